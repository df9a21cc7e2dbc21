//! The checkout that a command works on: its root folder, settings and runtime folder.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use xshell::Shell;

use crate::{process, settings::Settings};

/// A checkout of the repository.
pub struct Project {
    /// Runs commands in the root folder.
    pub shell: Shell,
    /// The root folder.
    pub root: PathBuf,
}

impl Project {
    /// Opens the checkout that `cargo xtask` was called in.
    pub fn open() -> anyhow::Result<Self> {
        // `cargo run` sets this variable. Otherwise xtask uses the folder in which it was compiled.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let xtask =
            manifest.as_deref().or(own).context("the crate `context` is not below xtask")?;
        Self::at(xtask.parent().context(
            "cannot find the root of the checkout. Run the command in a complete checkout.",
        )?)
    }

    /// Opens the checkout in `root`.
    pub fn at(root: &Path) -> anyhow::Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        Ok(Self { shell, root: root.to_owned() })
    }

    /// Loads the settings from the shell and `.env`. Does not create `.env`.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        Settings::load(&self.root)
    }

    /// Returns the path of `name` in `.slipway`, the git-ignored folder of the cluster, logs and state.
    pub fn runtime(&self, name: &str) -> PathBuf {
        self.root.join(".slipway").join(name)
    }

    /// Returns the folder in which cargo puts the binaries of a profile.
    pub fn target(&self, profile: &str) -> PathBuf {
        let set = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].into_iter().find_map(env::var_os);
        let configured = || {
            // Asks cargo, because the user can set `build.target-dir` in cargo's configuration.
            let metadata = ["metadata", "--no-deps", "--format-version=1", "--offline"];
            let output = process::output(&mut self.cargo(&metadata)).ok()?;
            let metadata: serde_json::Value = serde_json::from_str(&output).ok()?;
            Some(PathBuf::from(metadata["target_directory"].as_str()?))
        };
        let target = set.map(PathBuf::from).or_else(configured);
        self.root.join(target.unwrap_or_else(|| "target".into())).join(profile)
    }

    /// Returns a cargo command for this checkout, which shares its build cache with cargo in a terminal.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root).args(arguments);
        process::remove_package_variables(&mut cargo);
        cargo
    }

    /// Returns the owner of the checkout as `uid:gid`, or `None` on Windows, where Docker Desktop maps file owners.
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
    fn cargo_removes_the_package_variables_of_the_task_runner() {
        // Cargo also sets these variables when it runs tests.
        let manifest = "CARGO_MANIFEST_DIR";
        let folder = env::var_os(manifest).expect("cargo sets the variable");
        let project = Project::at(folder.as_ref()).expect("the checkout can be opened");
        let cargo = project.cargo(&["build"]);
        let removed: Vec<_> = cargo.get_envs().filter(|(_, value)| value.is_none()).collect();
        for name in [manifest, "CARGO_PKG_NAME", "CARGO_PKG_VERSION_MAJOR"] {
            assert!(removed.contains(&(OsStr::new(name), None)), "{name}: {removed:?}");
        }
    }
}
