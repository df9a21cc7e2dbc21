//! Checks that the data was made by the major version of PostgreSQL that the image has.

use context::settings::Settings;

use crate::{check_context::CheckContext, diagnostic::Diagnostic, inventory::compose};

/// A server that does not start on the data of another one says so.
pub(crate) fn in_log(context: &CheckContext) -> Option<Diagnostic> {
    let logs = ["logs", "--no-log-prefix", "--no-color", "--tail", "60", "postgres"];
    let log = context.deadline.output(&mut compose(context.state.as_ref(), &logs).ok()?).ok()?;
    let (_, versions) = log.rsplit_once("initialized by PostgreSQL version ")?;
    let (made_by, rest) = versions.split_once(',')?;
    let is = rest.split_once("this version ")?.1.split([' ', '.']).next()?;
    Some(other_major(context, made_by, is))
}

/// Where nothing is up, the image itself is asked, and the volume.
pub(crate) fn in_volume(context: &CheckContext, settings: &Settings) -> Option<Diagnostic> {
    let volume = settings.postgres_volume();
    let volume = context.containers()?.has_volume(&volume).then_some(volume)?;
    let mount = format!("{volume}:/volume:ro");
    let image = settings.postgres_image.as_str();
    let script = "cat /volume/cluster/PG_VERSION && postgres --version";
    let run = ["run", "--rm", "--pull=never", "--network=none", "--entrypoint=sh", "--volume"];
    let said =
        context.deadline.docker(&[&run[..], &[&mount, image, "-c", script]].concat()).ok()?;
    let (made_by, is) = said.split_once('\n')?;
    let is = is.split_whitespace().nth(2)?.split('.').next()?;
    (made_by != is).then(|| other_major(context, made_by, is))
}

fn other_major(context: &CheckContext, made_by: &str, is: &str) -> Diagnostic {
    let image = context.settings.as_ref().map_or("postgres", |it| it.postgres_image.as_str());
    let name = image.rsplit_once(':').map_or(image, |(name, _)| name);
    let what = format!("the data is of PostgreSQL {made_by}, and {image} is {is}");
    let remedy = format!(
        "set POSTGRES_IMAGE={name}:{made_by} in .env, then cargo xtask up; to move the data, \
        cargo xtask db upgrade --to {is}"
    );
    Diagnostic::error("database-major", what, remedy)
}
