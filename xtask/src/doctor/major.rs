//! Data that another major version of PostgreSQL made than the one of the image.

use super::{Finding, Scene, containers::compose};
use crate::settings::Settings;

/// A server that does not start on the data of another one says so.
pub(super) fn in_log(scene: &Scene) -> Option<Finding> {
    let logs = ["logs", "--no-log-prefix", "--no-color", "--tail", "60", "postgres"];
    let log = scene.ask(&mut compose(scene, &logs).ok()?).ok()?;
    let (_, versions) = log.rsplit_once("initialized by PostgreSQL version ")?;
    let (made_by, rest) = versions.split_once(',')?;
    let is = rest.split_once("this version ")?.1.split([' ', '.']).next()?;
    Some(other_major(scene, made_by, is))
}

/// Where nothing is up, the image itself is asked, and the volume.
pub(super) fn in_volume(scene: &Scene, settings: &Settings) -> Option<Finding> {
    let volume = settings.postgres_volume();
    let volume = scene.containers()?.has_volume(&volume).then_some(volume)?;
    let mount = format!("{volume}:/volume:ro");
    let image = settings.postgres_image.as_str();
    let script = "cat /volume/cluster/PG_VERSION && postgres --version";
    let run = ["run", "--rm", "--pull=never", "--network=none", "--entrypoint=sh", "--volume"];
    let said = scene.docker(&[&run[..], &[&mount, image, "-c", script]].concat()).ok()?;
    let (made_by, is) = said.split_once('\n')?;
    let is = is.split_whitespace().nth(2)?.split('.').next()?;
    (made_by != is).then(|| other_major(scene, made_by, is))
}

fn other_major(scene: &Scene, made_by: &str, is: &str) -> Finding {
    let image = scene.settings.as_ref().map_or("postgres", |it| it.postgres_image.as_str());
    let name = image.rsplit_once(':').map_or(image, |(name, _)| name);
    let what = format!("the data is of PostgreSQL {made_by}, and {image} is {is}");
    let remedy = format!(
        "set POSTGRES_IMAGE={name}:{made_by} in .env, then cargo xtask up; to move the data, \
        cargo xtask db upgrade --to {is}"
    );
    Finding::wrong("database-major", what, remedy)
}
