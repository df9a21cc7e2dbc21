//! Checks that the PostgreSQL image has the major version that created the data.

use context::{image_name, settings::Settings};

use crate::{check_context::CheckContext, diagnostic::Diagnostic, inventory::compose};

/// Searches the container's log for PostgreSQL's error about data of another version.
pub(crate) fn in_log(context: &CheckContext) -> Option<Diagnostic> {
    let logs = ["logs", "--no-log-prefix", "--no-color", "--tail", "60", "postgres"];
    let log = context.deadline.output(&mut compose(context.state.as_ref(), &logs).ok()?).ok()?;
    let (_, versions) = log.rsplit_once("initialized by PostgreSQL version ")?;
    let (created_by, rest) = versions.split_once(',')?;
    let current = rest.split_once("this version ")?.1.split([' ', '.']).next()?;
    Some(other_major(context, created_by, current))
}

/// Compares the version of the image with the version in the volume while the stack is not running.
pub(crate) fn in_volume(context: &CheckContext, settings: &Settings) -> Option<Diagnostic> {
    let volume = settings.postgres_volume();
    let volume = context.containers()?.has_volume(&volume).then_some(volume)?;
    let mount = format!("{volume}:/volume:ro");
    let image = settings.postgres_image.as_str();
    let script = "cat /volume/cluster/PG_VERSION && postgres --version";
    let run = ["run", "--rm", "--pull=never", "--network=none", "--entrypoint=sh", "--volume"];
    let output =
        context.deadline.docker(&[&run[..], &[&mount, image, "-c", script]].concat()).ok()?;
    let (created_by, current) = output.split_once('\n')?;
    let current = current.split_whitespace().nth(2)?.split('.').next()?;
    (created_by != current).then(|| other_major(context, created_by, current))
}

fn other_major(context: &CheckContext, created_by: &str, current: &str) -> Diagnostic {
    let image = context.settings.as_ref().map_or("postgres", |it| it.postgres_image.as_str());
    let name = image_name::repository(image);
    let what = format!(
        "PostgreSQL {created_by} created the data, but {image} contains PostgreSQL {current}"
    );
    let remedy = format!(
        "set POSTGRES_IMAGE={name}:{created_by} in .env and run cargo xtask up. \
        Then run cargo xtask db upgrade --to {current} to upgrade the data"
    );
    Diagnostic::error("database-major", what, remedy)
}
