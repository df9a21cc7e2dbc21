//! Builds and installs the binaries of the stack on this machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use context::{compile, project::Project};

/// The development build. The build selects binaries instead of packages, so that cargo uses the features of the whole
/// workspace.
/// Otherwise, this build and `cargo test` would recompile each other's crates.
const DEV_BUILD: [&str; 7] =
    ["build", "--bin", "dev-api", "--bin", "migrate", "--bin", "dev-server"];
const RELEASE_BUILD: [&str; 6] = ["build", "--release", "--bin", "api", "--bin", "migrate"];

/// Returns the path that a binary runs from.
pub(super) fn path(project: &Project, name: &str) -> PathBuf {
    project.runtime("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Compiles the binaries, and installs the binaries of the profile.
pub(super) fn build(project: &Project, production: bool) -> anyhow::Result<()> {
    let arguments: &[_] = if production { &RELEASE_BUILD } else { &DEV_BUILD };
    let mut build = project.cargo(arguments);
    build.envs(compile::cargo_terminal_settings());
    let programs = compile::programs(&mut build)?;
    let names = if production { ["migrate", "api"] } else { ["migrate", "dev-server"] };
    names.iter().try_for_each(|name| {
        let program = programs.get(*name).with_context(|| format!("cargo did not build {name}"))?;
        install(project, program, name)
    })
}

/// Returns the command that builds and serves the newest source until it is stopped.
pub(super) fn dev_server(project: &Project) -> Command {
    let mut command = Command::new(path(project, "dev-server"));
    command.arg("cargo").args(DEV_BUILD);
    command
}

/// Copies a binary to the folder that it runs from, so that cargo can replace its own copy at any time.
fn install(project: &Project, built: &Path, name: &str) -> anyhow::Result<()> {
    let place = path(project, name);
    let new = place.with_extension("new");
    let copy = || {
        fs::create_dir_all(project.runtime("bin"))?;
        fs::copy(built, &new)?;
        fs::rename(&new, &place)
    };
    copy().with_context(|| format!("cannot copy {} to {}", built.display(), place.display()))
}
