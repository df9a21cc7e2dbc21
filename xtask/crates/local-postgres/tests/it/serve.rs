//! The life of a cluster: made, started, stopped, started again, removed.

use std::fs;
use std::net::TcpListener;

use local_postgres::{Credentials, Error, Started, Status, Stop, free_port};

use crate::scratch::{Scratch, TestResult, has_pid_file, psql, url};

#[test]
fn data_outlives_the_server() -> TestResult {
    let scratch = Scratch::empty("serve")?;
    let cluster = &scratch.cluster;
    assert_eq!(cluster.status()?, Status::Absent);
    assert!(scratch.init()?);
    assert!(!scratch.init()?, "it is made once");
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
    assert_eq!((again.pid, again.port), (pid, port), "the running one is returned");

    assert!(cluster.stop(Stop::Fast)?);
    assert!(!cluster.stop(Stop::Fast)?, "it was stopped already");
    assert_eq!(cluster.status()?, Status::Stopped);

    let second = scratch.start()?;
    assert_eq!(psql(&url(second.port), "select name from kept")?, "me");

    assert!(cluster.remove()?);
    assert_eq!(cluster.status()?, Status::Absent);
    assert!(!cluster.folder().exists());
    assert!(!cluster.remove()?, "it was removed already");
    Ok(())
}

#[test]
fn what_keeps_it_from_starting_is_named() -> TestResult {
    let scratch = Scratch::made("refused")?;
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    let error = scratch.cluster.start(port).expect_err("the port is taken");
    assert!(matches!(error, Error::PortTaken { port: named } if named == port), "{error}");
    assert_eq!(scratch.cluster.status()?, Status::Stopped);

    let settings = scratch.data().join("local-postgres.conf");
    fs::write(&settings, "max_connections = 'many'\n")?;
    let error = scratch.start().expect_err("the setting is wrong").to_string();
    assert!(error.contains("invalid value for parameter"), "{error}");
    assert!(error.contains("correct local-postgres.conf"), "{error}");

    let version = scratch.data().join("PG_VERSION");
    let installed = fs::read_to_string(&version)?;
    fs::write(&version, "9\n")?;
    let error = scratch.start().expect_err("the versions differ").to_string();
    let both = format!("made by PostgreSQL 9, but {} is installed", installed.trim());
    assert!(error.contains(&both), "{error}");
    Ok(())
}

#[test]
fn a_free_port_is_the_preferred_one_unless_taken() -> TestResult {
    // Held for the whole test: a port once let go may live on in a child that another test is starting.
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    assert_ne!(free_port(Some(port))?, port);
    // None of those that the system gives away: another test could get it in between.
    let mut preferred = 10_000_u16..20_000;
    assert!(preferred.any(|port| free_port(Some(port)).is_ok_and(|free| free == port)));
    Ok(())
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() -> TestResult {
    let scratch = Scratch::empty("foreign")?;
    let file = scratch.data().join("precious");
    fs::create_dir_all(scratch.data())?;
    fs::write(&file, "mine")?;
    let refused = |result| matches!(result, Err(Error::Foreign { .. }));
    assert!(refused(scratch.cluster.remove()));
    assert!(refused(scratch.init()));
    fs::write(scratch.data().join("PG_VERSION"), "15\n")?;
    assert!(refused(scratch.cluster.remove()), "another's data folder is not ours either");
    assert!(file.exists());
    assert!(!has_pid_file(&scratch.data()));
    fs::remove_dir_all(scratch.data())?;
    Ok(())
}

#[test]
#[ignore = "takes long"]
fn a_password_that_nobody_knows_is_changed_and_no_row_is_touched() -> TestResult {
    let scratch = Scratch::made("password")?;
    let cluster = &scratch.cluster;
    let log_in = |port: u16, password: &str| {
        let url = format!("postgresql://app:{password}@127.0.0.1:{port}/postgres");
        psql(&url, "select name from kept")
    };
    let set = |user, password| cluster.set_password(&Credentials { user, password });
    let Started { port, .. } = scratch.start()?;
    psql(&url(port), "create table kept as select 'me' as name")?;

    // While it runs: it is back on its port.
    set("app", "it's another")?;
    assert_eq!(log_in(port, "it's%20another")?, "me");
    let error = set("nobody", "any").expect_err("there is no such user");
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert_eq!(log_in(port, "it's%20another")?, "me");

    cluster.stop(Stop::Fast)?;
    set("app", "third")?;
    assert_eq!(cluster.status()?, Status::Stopped);
    assert_eq!(log_in(scratch.start()?.port, "third")?, "me");
    Ok(())
}
