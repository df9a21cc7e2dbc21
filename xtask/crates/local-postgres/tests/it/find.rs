//! Tests of finding the installed PostgreSQL.

use std::env;
use std::ffi::OsString;

use local_postgres::Installation;

use crate::scratch::{TestResult, installation};

#[test]
fn pg_bin_selects_installation() -> TestResult {
    let found = installation()?;
    let bin = found.program("postgres");
    let bin = bin.parent().ok_or("the path has no folder")?;
    let lookup = |name: &str| (name == "PG_BIN").then(|| OsString::from(bin));
    let again = Installation::find(&lookup)?;
    assert_eq!(again.version(), found.version());
    assert_eq!(again.program("initdb"), found.program("initdb"));
    Ok(())
}

#[test]
fn invalid_pg_bin_is_rejected_even_if_path_contains_postgres() {
    let lookup = |name: &str| match name {
        "PG_BIN" => Some("/nowhere/bin".into()),
        name => env::var_os(name),
    };
    let error = Installation::find(&lookup).expect_err("the folder does not exist").to_string();
    assert!(error.starts_with("PG_BIN is /nowhere/bin: postgres"), "{error}");
    assert!(error.contains("is missing in this folder"), "{error}");
}
