//! Changes the password of the database, without the current one.

use std::process::Command;

use anyhow::bail;
use context::{engine_kind::EngineKind, process, project::Project};
use engine::postgres;
use local_postgres::Credentials;

use crate::{
    check_context::{CheckContext, Need, TIMEOUT},
    inventory::docker,
};

/// Gives the role of the settings another password, by ways that ask for none and are open to whoever
/// owns the data alone: the container's socket, or the cluster's files.
///
/// # Errors
/// There is a database, and it cannot be reached.
pub(crate) fn set(project: &Project, password: &str) -> anyhow::Result<()> {
    let context = CheckContext::new(project, TIMEOUT);
    let settings = project.settings()?;
    let user = &settings.user;
    if context.need(EngineKind::Local) != Need::Not
        && let Some(cluster) = postgres::existing_cluster(project)
    {
        cluster.set_password(&Credentials { user, password })?;
    }
    if context.need(EngineKind::Docker) == Need::Not {
        return Ok(());
    }
    let container = format!("{}-postgres-1", settings.project);
    match docker(&["inspect", "--format", "{{.State.Running}}", &container]).as_deref() {
        Ok("true") => alter_role(&container, user, password),
        _ if docker(&["volume", "inspect", &settings.postgres_volume()]).is_ok() => {
            bail!("the database must run for that: `cargo xtask up`, then this again")
        }
        _ => Ok(()),
    }
}

fn alter_role(container: &str, user: &str, password: &str) -> anyhow::Result<()> {
    // Kept out of the server's log and of the process list.
    let statements = format!(
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
    process::run_with_input(&mut psql, &statements)
}
