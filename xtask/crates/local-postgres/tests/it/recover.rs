//! Tests of starting a cluster after a crash, a reboot or a killed command.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use local_postgres::{Status, Stop};

use crate::scratch::{Scratch, TestResult, ends, has_pid_file, kill, psql, url};

/// This test needs root, because the server runs as another user only if root starts it.
#[test]
#[cfg(unix)]
fn data_that_the_servers_user_can_no_longer_reach_is_an_error() -> TestResult {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use local_postgres::{Cluster, Error};

    use crate::scratch::installation;

    let scratch = Scratch::initialised("closed")?;
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return Ok(());
    }
    let folder = scratch.folder.join("postgres");
    fs::set_permissions(&scratch.folder, PermissionsExt::from_mode(0o700))?;
    let opened = Cluster::open(&installation()?, &folder);
    fs::set_permissions(&scratch.folder, PermissionsExt::from_mode(0o755))?;
    let error = opened.expect_err("the folder is closed");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("chmod o+x"), "{error}");
    assert_eq!(Cluster::open(&installation()?, &folder)?.status()?, Status::Stopped);
    Ok(())
}

#[test]
fn killed_server_starts_again() -> TestResult {
    let scratch = Scratch::initialised("killed")?;
    let killed = scratch.start()?;
    psql(&url(killed.port), "create table kept as select 7 as number")?;
    kill(killed.pid)?;
    assert!(ends(killed.pid)?);
    assert_eq!(scratch.cluster.status()?, Status::Stopped);
    assert!(has_pid_file(&scratch.data()), "a killed server leaves its pid file behind");
    let started = scratch.cluster.start(killed.port)?;
    assert_ne!(started.pid, killed.pid);
    assert_eq!(psql(&url(started.port), "select number from kept")?, "7");
    Ok(())
}

#[test]
#[ignore = "takes long"]
fn pid_file_with_another_programs_pid_is_ignored() -> TestResult {
    let scratch = Scratch::initialised("reused")?;
    let port = scratch.start()?.port;
    let path = scratch.data().join("postmaster.pid");
    let file = fs::read_to_string(&path)?;
    scratch.cluster.stop(Stop::Immediate)?;

    let mut other = sleep_as_owner_of(&scratch.data())?;
    let (_, rest) = file.split_once('\n').ok_or("the file has only one line")?;
    fs::write(&path, format!("{}\n{rest}", other.id()))?;
    assert_eq!(scratch.cluster.status()?, Status::Stopped);
    assert!(!scratch.cluster.stop(Stop::Fast)?);
    assert!(other.try_wait()?.is_none(), "`stop` must not stop the other program");

    let started = scratch.cluster.start(port);
    assert!(other.try_wait()?.is_none(), "`start` must not stop the other program");
    other.kill()?;
    other.wait()?;
    assert_eq!(psql(&url(started?.port), "select 1")?, "1");

    scratch.cluster.stop(Stop::Immediate)?;
    fs::write(&path, "")?;
    scratch.start()?;
    Ok(())
}

/// Starts a program as the server's user, because PostgreSQL ignores programs of other users.
#[cfg(unix)]
fn sleep_as_owner_of(data: &Path) -> std::io::Result<Child> {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;

    let mut sleep = Command::new("sleep");
    let owner = fs::metadata(data)?;
    if fs::metadata(std::env::current_exe()?)?.uid() != owner.uid() {
        sleep.uid(owner.uid()).gid(owner.gid());
    }
    sleep.arg("60").spawn()
}

#[cfg(windows)]
fn sleep_as_owner_of(_: &Path) -> std::io::Result<Child> {
    Command::new("ping").args(["-n", "60", "127.0.0.1"]).spawn()
}

#[test]
fn incomplete_data_folder_is_replaced() -> TestResult {
    let scratch = Scratch::empty("incomplete")?;
    let partial = scratch.cluster.folder().join("data.partial");
    fs::create_dir_all(partial.join("base"))?;
    fs::write(partial.join("PG_VERSION"), "15\n")?;
    fs::write(scratch.cluster.folder().join("password"), "old")?;
    assert_eq!(scratch.cluster.status()?, Status::Absent);
    assert!(scratch.init()?);
    assert!(!partial.exists());
    scratch.start()?;
    Ok(())
}

#[test]
#[ignore = "takes long"]
fn concurrent_commands_start_one_server() -> TestResult {
    let scratch = Scratch::empty("concurrent")?;
    let up = || -> Result<_, String> {
        scratch.init().map_err(|error| error.to_string())?;
        scratch.start().map_err(|error| error.to_string())
    };
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(up);
        (up(), other.join())
    });
    let (one, two) = (one?, two.map_err(|_| "the thread panicked")??);
    assert_eq!((one.pid, one.port), (two.pid, two.port));
    assert_ne!(one.already_running, two.already_running);
    Ok(())
}
