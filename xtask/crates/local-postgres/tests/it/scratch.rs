//! A temporary cluster for one test, and helper functions.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, process, thread};

use local_postgres::{Cluster, Credentials, Installation, Started, free_port};

pub(crate) type TestResult = Result<(), Box<dyn Error>>;

pub(crate) const PASSWORD: &str = "it's a \"password\"";

pub(crate) struct Scratch {
    pub(crate) cluster: Cluster,
    /// The parent folder, which is deleted on drop.
    pub(crate) folder: PathBuf,
}

impl Scratch {
    /// Returns a cluster without files. `name` must be unique for each test.
    pub(crate) fn empty(name: &str) -> Result<Self, Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("local-postgres-{name}-{}", process::id()));
        fs::create_dir(&folder)?;
        let cluster = Cluster::open(&installation()?, &folder.join("postgres"))?;
        Ok(Self { cluster, folder })
    }

    /// Returns a cluster that is initialised but not started.
    pub(crate) fn initialised(name: &str) -> Result<Self, Box<dyn Error>> {
        let scratch = Self::empty(name)?;
        assert!(scratch.init()?, "the data folder exists already");
        Ok(scratch)
    }

    pub(crate) fn init(&self) -> Result<bool, local_postgres::Error> {
        let credentials = Credentials { user: "app", password: PASSWORD };
        self.cluster.init(&credentials, &[("fsync", "off")])
    }

    /// Starts the cluster on a free port.
    pub(crate) fn start(&self) -> Result<Started, Box<dyn Error>> {
        Ok(self.cluster.start(free_port(None)?)?)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.cluster.folder().join("data")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = self.cluster.remove();
        let deleted = fs::remove_dir_all(&self.folder);
        // A second panic would hide the message of the first panic.
        if !thread::panicking() {
            removed.expect("the cluster can be removed");
            deleted.expect("the folder can be deleted");
        }
    }
}

pub(crate) fn installation() -> Result<Installation, local_postgres::Error> {
    Installation::find(&|name| env::var_os(name))
}

/// Runs `query` with psql and returns its output, or its error message.
pub(crate) fn psql(url: &str, query: &str) -> Result<String, Box<dyn Error>> {
    let output = Command::new(installation()?.program("psql"))
        .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query, url])
        .env("PGPASSWORD", PASSWORD)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Returns the database URL of a [`Scratch`] server.
pub(crate) fn url(port: u16) -> String {
    format!("postgresql://app@127.0.0.1:{port}/postgres")
}

/// Kills a process with SIGKILL, or with `taskkill /F` on Windows.
pub(crate) fn kill(pid: u32) -> TestResult {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("taskkill");
        command.args(["/F", "/PID"]);
        command
    } else {
        let mut command = Command::new("kill");
        command.arg("-9");
        command
    };
    let status = command.arg(pid.to_string()).status()?;
    assert!(status.success(), "process {pid} cannot be killed");
    Ok(())
}

/// Returns whether a process exits within two seconds.
pub(crate) fn ends(pid: u32) -> Result<bool, Box<dyn Error>> {
    let pid = pid.to_string();
    for _ in 0..100 {
        let ended = if cfg!(windows) {
            let filter = format!("PID eq {pid}");
            let list = Command::new("tasklist").args(["/FI", &filter]).output()?;
            !String::from_utf8_lossy(&list.stdout).contains(&pid)
        } else {
            let state = Command::new("ps").args(["-p", &pid, "-o", "stat="]).output()?;
            // A zombie process (state Z) has already exited.
            state.stdout.is_empty() || state.stdout.starts_with(b"Z")
        };
        if ended {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(false)
}

/// Returns whether the pid file exists.
pub(crate) fn has_pid_file(data: &Path) -> bool {
    data.join("postmaster.pid").exists()
}
