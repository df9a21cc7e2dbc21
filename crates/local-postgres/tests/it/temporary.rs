//! Throw-away servers.

use std::env;
use std::process::{Command, Stdio};

use local_postgres::{Cluster, Status, Temporary};

use crate::scratch::{TestResult, ends, installation, psql};

#[test]
fn two_at_once_share_nothing_and_leave_nothing() -> TestResult {
    let installation = installation()?;
    let start = || Temporary::start(&installation, &[("max_connections", "33")]);
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(start);
        (start(), other.join())
    });
    let (one, two) = (one?, two.map_err(|_| "a panic")??);
    psql(&one.url(), "create table t ()")?;
    Temporary::sweep(&installation)?;
    psql(&two.url(), "create table t ()")?;
    assert_eq!(
        psql(&one.url(), "show max_connections")?,
        "33",
        "settings override ours"
    );
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
fn sweeping_removes_what_a_dead_owner_left() -> TestResult {
    let mut owner = Command::new(env::current_exe()?)
        .args(["--exact", "temporary::leave_one_behind", "--ignored"])
        .stdout(Stdio::null())
        .spawn()?;
    let name = format!("local-postgres-temporary-{}-0", owner.id());
    assert!(owner.wait()?.success());
    let folder = env::temp_dir().join(name);
    let left = Cluster::open(&installation()?, &folder)?;
    let Status::Running { pid, .. } = left.status()? else {
        return Err("it does not outlive its owner".into());
    };

    assert!(Temporary::sweep(&installation()?)? >= 1);
    assert!(!folder.exists());
    assert!(ends(pid)?, "process {pid} is still there");
    Ok(())
}

#[test]
#[ignore = "run by the test above, as a process that never drops its server"]
fn leave_one_behind() -> TestResult {
    std::mem::forget(Temporary::start(&installation()?, &[])?);
    Ok(())
}
