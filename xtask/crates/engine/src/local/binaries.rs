//! The binaries of the stack on this machine: how they are built, and where they run.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::Context;
use context::{compile, project::Project};

/// The development build, for `up` and the dev server. Binaries instead of packages, so that cargo selects features for
/// the whole workspace, as for `cargo test`, and neither command recompiles what the other has built.
const DEV_BUILD: [&str; 7] =
    ["build", "--bin", "dev-api", "--bin", "migrate", "--bin", "dev-server"];
const RELEASE_BUILD: [&str; 6] = ["build", "--release", "--bin", "api", "--bin", "migrate"];

/// Returns the path that a binary runs from.
pub(super) fn path(project: &Project, name: &str) -> PathBuf {
    project.runtime("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Compiles the binaries and copies those that run.
pub(super) fn build(project: &Project, production: bool) -> anyhow::Result<()> {
    let arguments: &[_] = if production { &RELEASE_BUILD } else { &DEV_BUILD };
    let mut build = project.cargo(arguments);
    build.envs(compile::cargo_terminal_settings());
    compile::run(&mut build, &[])?;
    let programs = if production { ["migrate", "api"] } else { ["migrate", "dev-server"] };
    programs.iter().try_for_each(|name| install(project, production, name))
}

/// Returns the command that builds and serves the newest source until it is stopped.
pub(super) fn dev_server(project: &Project) -> Command {
    let mut command = Command::new(path(project, "dev-server"));
    command.arg("cargo").args(DEV_BUILD);
    command
}

/// Copies a binary to where it runs, so that cargo may replace its own while this one is in use.
fn install(project: &Project, production: bool, name: &str) -> anyhow::Result<()> {
    let profile = if production { "release" } else { "debug" };
    let built = project.target(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let place = path(project, name);
    let new = place.with_extension("new");
    let copy = || {
        fs::create_dir_all(project.runtime("bin"))?;
        fs::copy(&built, &new)?;
        fs::rename(&new, &place)
    };
    copy().with_context(|| format!("cannot copy {} to {}", built.display(), place.display()))
}
