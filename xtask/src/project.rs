//! The checkout that this runs in: its root folder, its settings, and the folder for what runs.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use xshell::Shell;

use crate::{process, settings::Settings};

/// The checkout that this runs in.
pub(crate) struct Project {
    pub(crate) shell: Shell,
    pub(crate) root: PathBuf,
}

impl Project {
    pub(crate) fn open() -> anyhow::Result<Self> {
        // Cargo sets it for `cargo run`; the folder this was compiled in is right otherwise.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        Self::at(manifest.parent().context("xtask lies in the repository")?)
    }

    /// Another checkout.
    pub(crate) fn at(root: &Path) -> anyhow::Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        Ok(Self { shell, root: root.to_owned() })
    }

    /// The settings of shell and `.env`, without making `.env`.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        Settings::load(&self.root)
    }

    /// `name` in `.slipway`, the git-ignored folder of what runs: cluster, logs, state.
    pub(crate) fn runtime(&self, name: &str) -> PathBuf {
        self.root.join(".slipway").join(name)
    }

    /// Where cargo puts the binaries of a profile.
    pub(crate) fn target(&self, profile: &str) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target).join(profile)
    }

    /// cargo in this checkout, as somebody calls it in a terminal: each goes on with what the other compiled.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root).args(arguments);
        process::forget_own_package(&mut cargo);
        cargo
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(Path::new(relative))
    }
}

#[cfg(test)]
mod tests {
    use std::{env, ffi::OsStr};

    use super::Project;

    #[test]
    fn cargo_compiles_nothing_anew_that_it_compiled_in_a_terminal() {
        // Cargo runs tests as it runs the task runner.
        let told = "CARGO_MANIFEST_DIR";
        let own = env::var_os(told).expect("cargo tells it");
        let project = Project::at(own.as_ref()).expect("a folder");
        let cargo = project.cargo(&["build"]);
        let forgotten: Vec<_> = cargo.get_envs().filter(|(_, value)| value.is_none()).collect();
        for name in [told, "CARGO_PKG_NAME", "CARGO_PKG_VERSION_MAJOR"] {
            assert!(forgotten.contains(&(OsStr::new(name), None)), "{name}: {forgotten:?}");
        }
    }
}
