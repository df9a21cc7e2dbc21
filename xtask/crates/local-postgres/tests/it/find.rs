//! Finding the installation of this machine.

use std::env;
use std::ffi::OsString;

use local_postgres::Installation;

use crate::scratch::{TestResult, installation};

#[test]
fn pg_bin_names_the_installation() -> TestResult {
    let found = installation()?;
    let bin = found.program("postgres");
    let bin = bin.parent().ok_or("a program is in a folder")?;
    let lookup = |name: &str| (name == "PG_BIN").then(|| OsString::from(bin));
    let again = Installation::find(&lookup)?;
    assert_eq!(again.version(), found.version());
    assert_eq!(again.program("initdb"), found.program("initdb"));
    Ok(())
}

#[test]
fn a_wrong_pg_bin_is_an_error_even_if_path_has_one() {
    let lookup = |name: &str| match name {
        "PG_BIN" => Some("/nowhere/bin".into()),
        name => env::var_os(name),
    };
    let error = Installation::find(&lookup).expect_err("there are no programs").to_string();
    assert!(error.starts_with("PG_BIN is /nowhere/bin: there is no postgres"), "{error}");
}
