//! Tests of temporary servers.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use local_postgres::{Cluster, Status, Temporary};

use crate::scratch::{Scratch, TestResult, ends, installation, psql};

#[test]
#[ignore = "takes long"]
fn concurrent_servers_are_independent_and_removed_on_drop() -> TestResult {
    let installation = installation()?;
    let start = || Temporary::start(&installation, &env::temp_dir(), &[("max_connections", "33")]);
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(start);
        (start(), other.join())
    });
    let (one, two) = (one?, two.map_err(|_| "the thread panicked")??);
    psql(&one.url(), "create table t ()")?;
    psql(&two.url(), "create table t ()")?;
    assert_eq!(psql(&one.url(), "show max_connections")?, "33", "settings override the defaults");
    assert_eq!(psql(&one.url(), "show fsync")?, "off");

    let folder = one.cluster().folder().to_owned();
    let Status::Running { pid, .. } = one.cluster().status()? else {
        return Err("the server is not running".into());
    };
    drop(one);
    assert!(!folder.exists());
    assert!(ends(pid)?, "process {pid} is still running");
    assert_eq!(psql(&two.url(), "select count(*) from t")?, "0");
    Ok(())
}

#[test]
#[ignore = "takes long"]
fn sweep_removes_servers_of_exited_owners() -> TestResult {
    let (installation, scratch) = (installation()?, Scratch::empty("sweep")?);
    leave_server_behind_in(&scratch.folder)?;
    let entry = fs::read_dir(&scratch.folder)?.next().ok_or("no server was left behind")??;
    let left = Cluster::open(&installation, &entry.path())?;
    let Status::Running { pid, .. } = left.status()? else {
        return Err("the server has stopped with its owner".into());
    };
    let own = Temporary::start(&installation, &scratch.folder, &[])?;
    assert_eq!(Temporary::sweep(&installation, &scratch.folder)?, 1);
    assert!(ends(pid)?, "process {pid} is still running");
    assert_eq!(psql(&own.url(), "select 1")?, "1", "the server's owner is this process");
    drop(own);
    assert_eq!(fs::read_dir(&scratch.folder)?.count(), 0);
    Ok(())
}

/// Runs `leave_server_behind` in a process whose temporary folder is `parent`.
fn leave_server_behind_in(parent: &Path) -> TestResult {
    let output = Command::new(env::current_exe()?)
        .args(["--exact", "temporary::leave_server_behind", "--ignored"])
        .envs(["TMPDIR", "TMP", "LEAVE_SERVER_BEHIND"].map(|name| (name, parent)))
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

#[test]
#[ignore = "`leave_server_behind_in` runs this function in its own process"]
fn leave_server_behind() -> TestResult {
    if env::var_os("LEAVE_SERVER_BEHIND").is_none() {
        // This function is only a helper for another test, so it does nothing when all ignored tests run.
        return Ok(());
    }
    std::mem::forget(Temporary::start(&installation()?, &env::temp_dir(), &[])?);
    Ok(())
}
