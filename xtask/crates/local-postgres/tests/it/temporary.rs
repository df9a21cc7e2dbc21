//! Throw-away servers.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use local_postgres::{Cluster, Status, Temporary};

use crate::scratch::{Scratch, TestResult, ends, installation, psql};

#[test]
#[ignore = "takes long"]
fn two_at_once_share_nothing_and_leave_nothing() -> TestResult {
    let installation = installation()?;
    let start = || Temporary::start(&installation, &env::temp_dir(), &[("max_connections", "33")]);
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(start);
        (start(), other.join())
    });
    let (one, two) = (one?, two.map_err(|_| "a panic")??);
    psql(&one.url(), "create table t ()")?;
    psql(&two.url(), "create table t ()")?;
    assert_eq!(psql(&one.url(), "show max_connections")?, "33", "settings override ours");
    assert_eq!(psql(&one.url(), "show fsync")?, "off");

    let folder = one.cluster().folder().to_owned();
    let Status::Running { pid, .. } = one.cluster().status()? else {
        return Err("it does not run".into());
    };
    drop(one);
    assert!(!folder.exists());
    assert!(ends(pid)?, "process {pid} is still there");
    assert_eq!(psql(&two.url(), "select count(*) from t")?, "0");
    Ok(())
}

#[test]
#[ignore = "takes long"]
fn sweeping_removes_what_a_dead_owner_left() -> TestResult {
    let (installation, scratch) = (installation()?, Scratch::empty("sweep")?);
    leave_one_behind_in(&scratch.folder)?;
    let entry = fs::read_dir(&scratch.folder)?.next().ok_or("it left nothing")??;
    let left = Cluster::open(&installation, &entry.path())?;
    let Status::Running { pid, .. } = left.status()? else {
        return Err("it does not outlive its owner".into());
    };
    let own = Temporary::start(&installation, &scratch.folder, &[])?;
    assert_eq!(Temporary::sweep(&installation, &scratch.folder)?, 1);
    assert!(ends(pid)?, "process {pid} is still there");
    assert_eq!(psql(&own.url(), "select 1")?, "1", "its owner lives: us");
    drop(own);
    assert_eq!(fs::read_dir(&scratch.folder)?.count(), 0);
    Ok(())
}

/// Runs the test below in a process whose temporary folder is `place`.
fn leave_one_behind_in(place: &Path) -> TestResult {
    let output = Command::new(env::current_exe()?)
        .args(["--exact", "temporary::leave_one_behind", "--ignored"])
        .envs(["TMPDIR", "TMP", "LEAVE_ONE_BEHIND"].map(|name| (name, place)))
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

#[test]
#[ignore = "run by the test above, as a process that never drops its server"]
fn leave_one_behind() -> TestResult {
    if env::var_os("LEAVE_ONE_BEHIND").is_none() {
        // All tests were asked for, and this is none.
        return Ok(());
    }
    std::mem::forget(Temporary::start(&installation()?, &env::temp_dir(), &[])?);
    Ok(())
}
