//! Checks out the last release with the migrations of this checkout, to test the release with the new schema.

use std::{fs, path::PathBuf};

use anyhow::Context;
use migration_files::FOLDER;
use xshell::cmd;

use context::{project::Project, report};

/// The source of a release, with the migrations of this checkout.
pub struct Release {
    folder: PathBuf,
}

/// Writes the source of the last tag `v*` to a folder below `target`. Returns `None` if there is no such tag.
pub fn check_out(project: &Project) -> anyhow::Result<Option<Release>> {
    let sh = &project.shell;
    let describe = cmd!(sh, "git describe --tags --abbrev=0 --match v* HEAD");
    let Ok(tag) = describe.quiet().ignore_stderr().read() else { return Ok(None) };
    let folder = project.target("previous-release").join("source");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let archive = folder.with_extension("tar");
    cmd!(sh, "git archive --output {archive} {tag}").quiet().run()?;
    cmd!(sh, "tar --extract --file {archive} --directory {folder}").quiet().run()?;
    fs::remove_file(archive)?;
    let migrations = folder.join(FOLDER);
    fs::remove_dir_all(&migrations)?;
    fs::create_dir_all(&migrations)?;
    for entry in fs::read_dir(project.path(FOLDER))? {
        let entry = entry?;
        fs::copy(entry.path(), migrations.join(entry.file_name()))?;
    }
    report::line(&format!("running the end-to-end tests of {tag} on the schema of this checkout"));
    Ok(Some(Release { folder }))
}

impl Release {
    /// Returns the arguments with which `cargo test` runs the end-to-end tests of the release. Skips the tests of
    /// migrations and of source rules.
    pub fn arguments(&self) -> Vec<String> {
        let path = |name: &str| self.folder.join(name).to_string_lossy().into_owned();
        let target = path("../target");
        [
            "--manifest-path",
            &path("Cargo.toml"),
            "--target-dir",
            &target,
            "--package",
            "tests",
            "--test",
            "e2e",
            "--",
            "--skip",
            "migrate::",
            "--skip",
            "tidy::",
        ]
        .map(str::to_owned)
        .to_vec()
    }
}
