//! The binaries of the stack on this machine: how they are built, and where they run.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::Context;
use context::{compile, project::Project};

/// What the API is made with, and the tools beside it: first by `up`, then by the supervisor. By their names, not as
/// packages: cargo chooses features for the whole workspace then, as for `cargo test`, and neither compiles anew what
/// the other has.
const BUILD: [&str; 7] = ["build", "--bin", "api", "--bin", "migrate", "--bin", "dev-server"];
/// And how in development: so that an edit links quickly, where that has been tried.
const FOR_EDITS: &[&str] =
    if cfg!(target_os = "linux") { &["--features", "api/prelinked"] } else { &[] };

/// Returns the path that a binary runs from.
pub(super) fn path(project: &Project, name: &str) -> PathBuf {
    project.runtime("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Compiles the binaries and copies those that run.
pub(super) fn build(project: &Project, production: bool) -> anyhow::Result<()> {
    let profile: &[_] = if production { &["--release"] } else { FOR_EDITS };
    let mut build = project.cargo(&BUILD);
    build.args(profile).envs(compile::cargo_terminal_settings());
    compile::run(&mut build, &[])?;
    let programs = if production { ["migrate", "api"] } else { ["migrate", "dev-server"] };
    programs.iter().try_for_each(|name| install(project, production, name))
}

/// Returns the command that builds and serves the newest source until it is stopped.
pub(super) fn dev_server(project: &Project) -> Command {
    let mut command = Command::new(path(project, "dev-server"));
    command.arg("cargo").args(BUILD).args(FOR_EDITS);
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
