//! Decides whether a changed file requires a build. Cargo lists the source files of each binary, so tests and
//! documentation do not start a build.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// The effect of a changed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Build,
    /// The change requires another `cargo xtask up`.
    NeedsUp,
    Nothing,
}

pub(crate) struct Inputs {
    root: PathBuf,
    in_docker: bool,
    files: HashSet<PathBuf>,
}

impl Inputs {
    pub(crate) fn new(root: PathBuf, in_docker: bool) -> Self {
        Self { root, in_docker, files: HashSet::new() }
    }

    /// Reads cargo's lists of the source files of these binaries.
    pub(crate) fn read(&mut self, binaries: &[PathBuf]) {
        let texts =
            binaries.iter().filter_map(|it| fs::read_to_string(it.with_extension("d")).ok());
        self.files = texts.flat_map(|text| dependencies(&text)).collect();
    }

    /// Returns the effect of a change of `path`. After a failed build, cargo's lists can be incomplete.
    pub(crate) fn effect(&self, path: &Path, has_failed: bool) -> Effect {
        let Ok(name) = path.strip_prefix(&self.root) else { return Effect::Nothing };
        let is_one_of = |names: &[&str]| names.iter().any(|it| name == Path::new(it));
        if is_one_of(&["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"]) {
            return Effect::Build;
        }
        let of_docker = name.starts_with("docker") || is_one_of(&["compose.yaml"]);
        if name.starts_with("xtask/crates/dev-server")
            || is_one_of(&[".env"])
            || self.in_docker && of_docker
        {
            return Effect::NeedsUp;
        }
        // cargo's list can contain folders. A folder includes all files below it.
        let is_input = path.ancestors().any(|it| self.files.contains(it));
        let is_manifest = name.starts_with("crates") && name.ends_with("Cargo.toml");
        let may_be_input = has_failed && name.starts_with("crates") && !is_hidden(name);
        if is_input || is_manifest || may_be_input { Effect::Build } else { Effect::Nothing }
    }

    /// Returns the path relative to the root, for messages.
    pub(crate) fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Returns whether the file is a temporary file of an editor.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~') || name == "4913"
}

/// Returns the files after `binary:` in cargo's list. Spaces in file names are escaped with a backslash.
fn dependencies(text: &str) -> Vec<PathBuf> {
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let names = lines.flat_map(|(_, names)| {
        let names = names.replace("\\ ", "\0");
        names.split(' ').map(|name| name.replace('\0', " ").into()).collect::<Vec<PathBuf>>()
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_reads_names_with_spaces() {
        let text = "/a b/target/api: /a\\ b/src/main.rs /a\\ b/migrations\n";
        let expected = ["/a b/src/main.rs", "/a b/migrations"].map(PathBuf::from);
        assert_eq!(dependencies(text), expected);
    }

    #[test]
    fn effect_depends_on_the_path() {
        let mut inputs = Inputs::new("/w".into(), true);
        inputs.files =
            ["/w/crates/api/src/main.rs", "/w/crates/db/migrations"].map(PathBuf::from).into();
        for (name, effect, after_failure) in [
            ("crates/api/src/main.rs", Effect::Build, Effect::Build),
            ("crates/db/migrations/V1__new.sql", Effect::Build, Effect::Build),
            ("crates/api/Cargo.toml", Effect::Build, Effect::Build),
            ("Cargo.lock", Effect::Build, Effect::Build),
            ("crates/api/src/new.rs", Effect::Nothing, Effect::Build),
            ("crates/api/src/.new.rs.swp", Effect::Nothing, Effect::Nothing),
            ("docs/architecture.md", Effect::Nothing, Effect::Nothing),
            ("tests/e2e/main.rs", Effect::Nothing, Effect::Nothing),
            ("xtask/crates/dev-server/src/main.rs", Effect::NeedsUp, Effect::NeedsUp),
            (".env", Effect::NeedsUp, Effect::NeedsUp),
            ("docker/Dockerfile", Effect::NeedsUp, Effect::NeedsUp),
        ] {
            let path = Path::new("/w").join(name);
            assert_eq!(inputs.effect(&path, false), effect, "{name}");
            assert_eq!(inputs.effect(&path, true), after_failure, "{name} after a failed build");
        }
        assert_eq!(inputs.effect(Path::new("/other/Cargo.toml"), true), Effect::Nothing);
    }
}
