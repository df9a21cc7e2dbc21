//! Changes the password of the database without the current password.

use std::process::Command;

use anyhow::bail;
use context::{engine_kind::EngineKind, process, project::Project};
use engine::postgres;
use local_postgres::Credentials;

use crate::{
    check_context::{CheckContext, Need, TIMEOUT},
    inventory::docker,
};

/// Changes the password of the role in the settings. Only the owner of the data can do so, through the
/// local socket in the container or through the files of the cluster.
///
/// # Errors
/// Fails if a database exists but cannot be reached.
pub(crate) fn set(project: &Project, password: &str) -> anyhow::Result<()> {
    let context = CheckContext::new(project, TIMEOUT);
    let settings = project.settings()?;
    let user = &settings.user;
    if context.need(EngineKind::Local) != Need::Unused
        && let Some(cluster) = postgres::existing_cluster(project)?
    {
        cluster.set_password(&Credentials { user, password })?;
    }
    if context.need(EngineKind::Docker) == Need::Unused {
        return Ok(());
    }
    let container = format!("{}-postgres-1", settings.project);
    match docker(&["inspect", "--format", "{{.State.Running}}", &container]).as_deref() {
        Ok("true") => alter_role(&container, user, password),
        _ if docker(&["volume", "inspect", &settings.postgres_volume()]).is_ok() => {
            bail!("the database is not running. Run cargo xtask up, then repeat this command.")
        }
        _ => Ok(()),
    }
}

fn alter_role(container: &str, user: &str, password: &str) -> anyhow::Result<()> {
    // These settings keep the password out of the server's log.
    let queries = format!(
        "SET log_statement = 'none'; SET log_min_duration_statement = -1; \
         SET log_min_error_statement = 'panic'; ALTER ROLE \"{user}\" PASSWORD '{password}';"
    );
    let mut psql = Command::new("docker");
    psql.args(["exec", "--interactive", container, "psql", "-Xq", "-v", "ON_ERROR_STOP=1"]).args([
        "--username",
        user,
        "--dbname",
        "postgres",
    ]);
    process::run_with_input(&mut psql, &queries)
}
