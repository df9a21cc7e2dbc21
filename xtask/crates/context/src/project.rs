//! The checkout that a task works on: its root folder, its settings, and the folder for runtime files.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use xshell::Shell;

use crate::{process, settings::Settings};

/// The checkout that this runs in.
pub struct Project {
    /// Runs commands in the root folder.
    pub shell: Shell,
    /// The root folder.
    pub root: PathBuf,
}

impl Project {
    /// Opens the checkout that `cargo xtask` was called in.
    pub fn open() -> anyhow::Result<Self> {
        // Cargo sets it for `cargo run`; the folder this was compiled in is right otherwise.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let xtask = manifest.as_deref().or(own).context("this crate lies below xtask")?;
        Self::at(xtask.parent().context("xtask lies in the repository")?)
    }

    /// Another checkout.
    pub fn at(root: &Path) -> anyhow::Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        Ok(Self { shell, root: root.to_owned() })
    }

    /// The settings of shell and `.env`, without making `.env`.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        Settings::load(&self.root)
    }

    /// `name` in `.slipway`, the git-ignored folder of what runs: cluster, logs, state.
    pub fn runtime(&self, name: &str) -> PathBuf {
        self.root.join(".slipway").join(name)
    }

    /// Where cargo puts the binaries of a profile.
    pub fn target(&self, profile: &str) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target).join(profile)
    }

    /// cargo in this checkout, as somebody calls it in a terminal: each goes on with what the other compiled.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root).args(arguments);
        process::forget_own_package(&mut cargo);
        cargo
    }

    /// Returns the user and the group that own the checkout, as numbers. Docker Desktop maps owners by itself.
    pub fn owner(&self) -> Option<String> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let folder = self.root.metadata().ok()?;
            Some(format!("{}:{}", folder.uid(), folder.gid()))
        }
        #[cfg(not(unix))]
        None
    }

    /// Returns the path of a file of the checkout.
    pub fn path(&self, relative: &str) -> PathBuf {
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
