//! Finding a PostgreSQL, among real and pretended ones.

use super::*;

/// A folder of its own under the system's temporary one, deleted at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("local-postgres-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    /// Pretends an installation of `version` in `<folder>/<name>`.
    #[cfg(unix)]
    fn pretend(&self, name: &str, version: &str) -> PathBuf {
        let bin = self.0.join(name);
        // A shell writes the scripts: were they open for writing in this process, another
        // test's child could hold them open, and running them fail as "text file busy".
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
fn versions_are_read() {
    let read = |version| parse_version(&format!("postgres (PostgreSQL) {version}"));
    assert_eq!(read("15.18 (Debian 15.18-0+deb12u1)"), Some((15, 18)));
    assert_eq!(read("18beta1"), Some((18, 0)));
    assert_eq!(read(""), None);
}

#[test]
fn nothing_found_says_where_it_looked_and_what_to_install() {
    let error = Installation::find_among(&|_| None, &["/nowhere/*/bin".into()])
        .expect_err("there is nothing to find")
        .to_string();
    assert!(error.contains("PATH, /nowhere/*/bin"), "{error}");
    assert!(error.contains("install"), "{error}");
}

#[test]
fn a_pg_bin_without_programs_is_named() {
    let folder = Folder::new("empty");
    let error = Installation::find(&|name| (name == "PG_BIN").then(|| folder.0.clone().into()))
        .expect_err("the folder is empty")
        .to_string();
    assert!(error.contains("PG_BIN"), "{error}");
    assert!(error.contains("there is no postgres"), "{error}");
}

#[cfg(unix)]
#[test]
fn one_too_old_is_named_with_its_version() {
    let folder = Folder::new("old");
    let old = folder.pretend("14", "14.9");
    let error = Installation::find_among(&path(&old), &[]).expect_err("14 is too old").to_string();
    let named = format!("{}: PostgreSQL 14.9 is too old", old.display());
    assert!(error.contains(&named), "{error}");
}

#[cfg(unix)]
#[test]
fn path_comes_first_then_the_newest() -> Result<(), Error> {
    let folder = Folder::new("newest");
    let own = folder.pretend("own", "16.1");
    for version in ["pg-9", "pg-15", "pg-17", "pg-16"] {
        folder.pretend(version, &version[3..]);
    }
    let usual = [folder.0.join("pg-*")];
    let version = |lookup: &dyn Fn(&str) -> Option<OsString>| {
        Installation::find_among(lookup, &usual).map(|found| found.version())
    };
    assert_eq!(version(&path(&own))?, (16, 1));
    assert_eq!(version(&|_| None)?, (17, 0));
    Ok(())
}
