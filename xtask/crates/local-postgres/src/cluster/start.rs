//! Starts a cluster's server, and explains a failed start.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Cluster, PidFile, Started, Status, TIMEOUT};
use crate::Error;

/// Messages in the log of a failed start, each with a remedy.
const HINTS: [(&str, &str); 9] = [
    ("No space left on device", "The disk is full. Free some space."),
    (
        "pre-existing shared memory",
        "Processes of a killed server still use the data. End these processes first.",
    ),
    (
        "shared memory",
        "The system does not have enough shared memory. Stop other servers, or lower shared_buffers.",
    ),
    (
        "\"postmaster.pid\" already exists",
        "postmaster.pid contains the process id of another PostgreSQL. If that PostgreSQL does not \
         use this data folder, delete the file.",
    ),
    ("configuration file", "Correct local-postgres.conf or postgresql.conf in the data folder."),
    (
        "configuration parameter",
        "Correct local-postgres.conf or postgresql.conf in the data folder.",
    ),
    (
        "Permission denied",
        "Allow the server's user to read and write the file or folder in the log message.",
    ),
    ("wrong ownership", "Another user owns the data folder. Run this command as that user."),
    (
        "automatic recovery in progress",
        "PostgreSQL may still be recovering from a crash. Try again later.",
    ),
];

impl Cluster {
    /// Starts the server on `port` of 127.0.0.1 and waits until it accepts connections.
    ///
    /// The server keeps running after this process exits. A running server is returned unchanged,
    /// even if it uses another port.
    ///
    /// # Errors
    /// Returns [`Error::Absent`] before [`Cluster::init`], [`Error::OtherMajor`] for data of another
    /// version, [`Error::PortTaken`], [`Error::Start`] with the end of the log, or [`Error::Io`].
    pub fn start(&self, port: u16) -> Result<Started, Error> {
        if self.status()? == Status::Absent {
            return Err(Error::Absent { data: self.data() });
        }
        let _lock = self.lock()?;
        let deadline = Instant::now() + TIMEOUT;
        if let Some(started) = self.wait_for_running(deadline)? {
            return Ok(started);
        }
        self.check_version()?;
        self.clear_pid_file()?;
        loop {
            let before = self.log_length()?;
            let launched = self.launch(port)?;
            match self.server()? {
                Some(PidFile { pid, port, ready }) if launched && ready => {
                    return Ok(Started { pid, port, already_running: false });
                }
                _ => {}
            }
            let log = self.log_since(before)?;
            // Tries again, because the child processes of a killed server exit only after a short time.
            let is_data_in_use = log.contains("pre-existing shared memory block");
            if !is_data_in_use || Instant::now() > deadline {
                return Err(self.explain(&log, port));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until a running server accepts connections. Returns `None` if no server is running.
    fn wait_for_running(&self, deadline: Instant) -> Result<Option<Started>, Error> {
        while let Some(PidFile { pid, port, ready }) = self.server()? {
            if ready {
                return Ok(Some(Started { pid, port, already_running: true }));
            }
            if Instant::now() > deadline {
                let log = self.log_since(0)?;
                return Err(self.explain(&log, port));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }

    /// Checks that the installed PostgreSQL has the major version that created the cluster.
    ///
    /// # Errors
    /// Returns [`Error::OtherMajor`] if the versions differ, and [`Error::Io`] if the cluster's version
    /// cannot be read.
    pub fn check_version(&self) -> Result<(), Error> {
        let path = self.data().join("PG_VERSION");
        let made_by = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let (installed, _) = self.installation.version();
        if made_by.trim() == installed.to_string() {
            return Ok(());
        }
        Err(Error::OtherMajor { data: self.data(), made_by: made_by.trim().to_owned(), installed })
    }

    /// Returns the major version that created the cluster, or `None` if the cluster does not exist.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the version cannot be read.
    pub fn major(&self) -> Result<Option<u32>, Error> {
        if self.status()? == Status::Absent {
            return Ok(None);
        }
        let path = self.data().join("PG_VERSION");
        let made_by = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(made_by.trim().parse().ok())
    }

    /// Removes the pid file of a killed server, because PostgreSQL may refuse to start with that file.
    ///
    /// If children of the killed server still use the data, PostgreSQL refuses to start without the
    /// file too, because the children hold its shared memory.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the file cannot be read or removed.
    pub fn clear_pid_file(&self) -> Result<(), Error> {
        let path = PidFile::path(&self.data());
        if self.has_stale_pid_file()? {
            fs::remove_file(&path).map_err(Error::io("delete", &path))?;
        }
        Ok(())
    }

    /// Starts the server with `pg_ctl`, and returns whether `pg_ctl` succeeded.
    fn launch(&self, port: u16) -> Result<bool, Error> {
        let mut command = self.command("pg_ctl");
        command.args(["start", "--wait", "--timeout"]);
        command.arg(TIMEOUT.as_secs().to_string());
        command.arg("--pgdata").arg(self.data());
        command.arg("--log").arg(self.log());
        command.args(["--options", &format!("-p {port}")]);
        // Pipes cannot be used, because the server would inherit them on Windows and keep them open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        detach(&mut command);
        let status = command.status().map_err(Error::io("run", command.get_program().as_ref()))?;
        Ok(status.success())
    }

    /// Returns the length of the log. Creates the log, because the server's user may not be able to.
    fn log_length(&self) -> Result<u64, Error> {
        let path = self.log();
        let length = || {
            let file = File::options().create(true).append(true).open(&path)?;
            Ok(file.metadata()?.len())
        };
        let length = length().map_err(Error::io("open", &path))?;
        self.change_owner(&path)?;
        Ok(length)
    }

    fn log_since(&self, length: u64) -> Result<String, Error> {
        let path = self.log();
        let log = fs::read(&path).map_err(Error::io("read", &path))?;
        let start = usize::try_from(length).unwrap_or(0).min(log.len());
        Ok(String::from_utf8_lossy(&log[start..]).into_owned())
    }

    fn explain(&self, log: &str, port: u16) -> Error {
        if log.contains("could not bind") && !log.contains("Permission denied") {
            return Error::PortTaken { port };
        }
        let lines: Vec<_> = log.lines().collect();
        let hint = HINTS.iter().find(|(message, _)| log.contains(message));
        Error::Start {
            log: self.log(),
            lines: lines[lines.len().saturating_sub(10)..].join("\n"),
            hint: hint.map(|(_, hint)| *hint),
        }
    }
}

/// Detaches the server from the terminal, so that Ctrl-C does not stop the server.
fn detach(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        let flags = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW;
        std::os::windows::process::CommandExt::creation_flags(command, flags);
    }
}
