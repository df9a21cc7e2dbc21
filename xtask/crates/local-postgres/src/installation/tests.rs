//! Tests with real and fake PostgreSQL installations.

use super::*;

/// A temporary folder, which is deleted on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("local-postgres-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    /// Creates a fake installation of `version` in `<folder>/<name>`.
    #[cfg(unix)]
    fn install_fake(&self, name: &str, version: &str) -> PathBuf {
        let bin = self.0.join(name);
        // A shell writes the scripts. If this process wrote them, a child of another test could
        // inherit the open files, and running the scripts would fail with "text file busy".
        let write = "mkdir -p $1 && cd $1 && for program in postgres initdb pg_ctl; do \
                     printf '#!/bin/sh\\necho postgres: %s' $2 > $program; done; chmod +x *";
        let done = Command::new("sh")
            .args(["-euc", write, "sh", &bin.to_string_lossy(), version])
            .status();
        assert!(done.is_ok_and(|status| status.success()));
        bin
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder can be deleted");
    }
}

#[cfg(unix)]
fn path(folder: &Path) -> impl Fn(&str) -> Option<OsString> {
    move |name| (name == "PATH").then(|| folder.into())
}

#[test]
fn parse_version_reads_debian_and_beta_versions() {
    let read = |version| parse_version(&format!("postgres (PostgreSQL) {version}"));
    assert_eq!(read("15.18 (Debian 15.18-0+deb12u1)"), Some((15, 18)));
    assert_eq!(read("18beta1"), Some((18, 0)));
    assert_eq!(read(""), None);
}

#[test]
fn not_found_error_lists_searched_folders_and_install_command() {
    let error = Installation::find_among(&|_| None, &["/nowhere/*/bin".into()])
        .expect_err("PostgreSQL is not found")
        .to_string();
    assert!(error.contains("PATH, /nowhere/*/bin"), "{error}");
    assert!(error.contains("install"), "{error}");
}

#[test]
fn empty_pg_bin_is_rejected() {
    let folder = Folder::new("empty");
    let error = Installation::find(&|name| (name == "PG_BIN").then(|| folder.0.clone().into()))
        .expect_err("the folder is empty")
        .to_string();
    assert!(error.contains("PG_BIN"), "{error}");
    assert!(error.contains("is missing in this folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn old_version_is_rejected() {
    let folder = Folder::new("old");
    let old = folder.install_fake("14", "14.9");
    let error = Installation::find_among(&path(&old), &[]).expect_err("14 is too old").to_string();
    let reason = format!("{}: PostgreSQL 14.9 is too old", old.display());
    assert!(error.contains(&reason), "{error}");
}

#[cfg(unix)]
#[test]
fn path_takes_precedence_over_newest_default_folder() -> Result<(), Error> {
    let folder = Folder::new("newest");
    let in_path = folder.install_fake("in-path", "16.1");
    for version in ["pg-9", "pg-15", "pg-17", "pg-16"] {
        folder.install_fake(version, &version[3..]);
    }
    let defaults = [folder.0.join("pg-*")];
    let version = |lookup: &dyn Fn(&str) -> Option<OsString>| {
        Installation::find_among(lookup, &defaults).map(|found| found.version())
    };
    assert_eq!(version(&path(&in_path))?, (16, 1));
    assert_eq!(version(&|_| None)?, (17, 0));
    Ok(())
}
