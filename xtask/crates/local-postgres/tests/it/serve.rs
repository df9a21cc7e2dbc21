//! Tests of initialising, starting, stopping and removing a cluster.

use std::fs;
use std::net::TcpListener;

use local_postgres::{Credentials, Error, Started, Status, Stop, free_port};

use crate::scratch::{Scratch, TestResult, has_pid_file, psql, url};

#[test]
fn data_survives_restart_until_removal() -> TestResult {
    let scratch = Scratch::empty("serve")?;
    let cluster = &scratch.cluster;
    assert_eq!(cluster.status()?, Status::Absent);
    assert!(scratch.init()?);
    assert!(!scratch.init()?, "the second call does nothing");
    assert_eq!(cluster.status()?, Status::Stopped);

    let first = scratch.start()?;
    assert!(!first.already_running);
    let (pid, port) = (first.pid, first.port);
    assert_eq!(cluster.status()?, Status::Running { pid, port });
    psql(&url(port), "create table kept as select 'me' as name")?;
    assert_eq!(psql(&url(port), "show server_encoding")?, "UTF8");

    assert!(!cluster.folder().join("password").exists());
    let wrong = format!("postgresql://app:wrong@127.0.0.1:{port}/postgres");
    let error = psql(&wrong, "select 1").expect_err("the password is wrong");
    assert!(error.to_string().contains("password authentication failed"), "{error}");

    let again = cluster.start(free_port(None)?)?;
    assert!(again.already_running);
    assert_eq!((again.pid, again.port), (pid, port), "the running server is returned");

    assert!(cluster.stop(Stop::Fast)?);
    assert!(!cluster.stop(Stop::Fast)?, "the server is stopped already");
    assert_eq!(cluster.status()?, Status::Stopped);

    let second = scratch.start()?;
    assert_eq!(psql(&url(second.port), "select name from kept")?, "me");

    assert!(cluster.remove()?);
    assert_eq!(cluster.status()?, Status::Absent);
    assert!(!cluster.folder().exists());
    assert!(!cluster.remove()?, "the cluster is removed already");
    Ok(())
}

#[test]
fn start_reports_used_port_invalid_setting_and_other_version() -> TestResult {
    let scratch = Scratch::initialised("refused")?;
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    let error = scratch.cluster.start(port).expect_err("the port is taken");
    assert!(matches!(error, Error::PortTaken { port: taken } if taken == port), "{error}");
    assert_eq!(scratch.cluster.status()?, Status::Stopped);

    let settings = scratch.data().join("local-postgres.conf");
    fs::write(&settings, "max_connections = 'many'\n")?;
    let error = scratch.start().expect_err("the setting is invalid").to_string();
    assert!(error.contains("invalid value for parameter"), "{error}");
    assert!(error.contains("Correct local-postgres.conf"), "{error}");

    let version = scratch.data().join("PG_VERSION");
    let installed = fs::read_to_string(&version)?;
    fs::write(&version, "9\n")?;
    let error = scratch.start().expect_err("the versions differ").to_string();
    let both = format!("created by PostgreSQL 9, but {} is installed", installed.trim());
    assert!(error.contains(&both), "{error}");
    Ok(())
}

#[test]
fn free_port_returns_preferred_port_unless_taken() -> TestResult {
    // The listener stays open, because child processes of other tests may have inherited the port.
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    assert_ne!(free_port(Some(port))?, port);
    // The operating system never assigns these ports by itself, so no other test uses them.
    let mut preferred = 10_000_u16..20_000;
    assert!(preferred.any(|port| free_port(Some(port)).is_ok_and(|free| free == port)));
    Ok(())
}

#[test]
fn foreign_data_folder_is_not_changed() -> TestResult {
    let scratch = Scratch::empty("foreign")?;
    let file = scratch.data().join("precious");
    fs::create_dir_all(scratch.data())?;
    fs::write(&file, "content")?;
    let refused = |result| matches!(result, Err(Error::Foreign { .. }));
    assert!(refused(scratch.cluster.remove()));
    assert!(refused(scratch.init()));
    fs::write(scratch.data().join("PG_VERSION"), "15\n")?;
    assert!(refused(scratch.cluster.remove()), "another project's data folder is kept");
    assert!(file.exists());
    assert!(!has_pid_file(&scratch.data()));
    fs::remove_dir_all(scratch.data())?;
    Ok(())
}

#[test]
#[ignore = "takes long"]
fn set_password_keeps_rows_and_port() -> TestResult {
    let scratch = Scratch::initialised("password")?;
    let cluster = &scratch.cluster;
    let log_in = |port: u16, password: &str| {
        let url = format!("postgresql://app:{password}@127.0.0.1:{port}/postgres");
        psql(&url, "select name from kept")
    };
    let set = |user, password| cluster.set_password(&Credentials { user, password });
    let Started { port, .. } = scratch.start()?;
    psql(&url(port), "create table kept as select 'me' as name")?;

    // To change the password, a running server is restarted on the same port.
    set("app", "it's another")?;
    assert_eq!(log_in(port, "it's%20another")?, "me");
    let error = set("nobody", "any").expect_err("the user does not exist");
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert_eq!(log_in(port, "it's%20another")?, "me");

    cluster.stop(Stop::Fast)?;
    set("app", "third")?;
    assert_eq!(cluster.status()?, Status::Stopped);
    assert_eq!(log_in(scratch.start()?.port, "third")?, "me");
    Ok(())
}
