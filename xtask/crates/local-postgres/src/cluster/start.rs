//! Starts a cluster's server, and explains why it does not start.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Cluster, PATIENCE, PidFile, Started, Status};
use crate::Error;

/// What the log of a failed start says, and what to do then.
const HINTS: [(&str, &str); 9] = [
    ("No space left on device", "the disk is full: free some space"),
    (
        "pre-existing shared memory",
        "processes of a killed server still work on the data: end them first",
    ),
    (
        "shared memory",
        "the system has too little shared memory: stop other servers, or lower shared_buffers",
    ),
    (
        "\"postmaster.pid\" already exists",
        "postmaster.pid names another PostgreSQL; if that is not the server of this data \
         folder, delete the file",
    ),
    ("configuration file", "correct local-postgres.conf or postgresql.conf in the data folder"),
    (
        "configuration parameter",
        "correct local-postgres.conf or postgresql.conf in the data folder",
    ),
    ("Permission denied", "let the server's user read and write what the log names"),
    ("wrong ownership", "the data folder is another user's: start it as that user"),
    (
        "automatic recovery in progress",
        "it may still be recovering from a crash: start it again in a while",
    ),
];

impl Cluster {
    /// Starts the server on `port` of 127.0.0.1 and waits until it accepts connections.
    /// It outlives us. One that runs already is returned as it is, on whichever port.
    ///
    /// # Errors
    /// [`Error::Absent`] before [`Cluster::init`], [`Error::OtherMajor`],
    /// [`Error::PortTaken`], [`Error::Start`] with the end of the log, [`Error::Io`].
    pub fn start(&self, port: u16) -> Result<Started, Error> {
        if self.status()? == Status::Absent {
            return Err(Error::Absent { data: self.data() });
        }
        let _lock = self.lock()?;
        let deadline = Instant::now() + PATIENCE;
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
            let said = self.log_since(before)?;
            // A killed server's children take a moment to notice and end.
            let crowded = said.contains("pre-existing shared memory block");
            if !crowded || Instant::now() > deadline {
                return Err(self.explain(&said, port));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The running server, once it has started; `None` when none runs, or none any more.
    fn wait_for_running(&self, deadline: Instant) -> Result<Option<Started>, Error> {
        while let Some(PidFile { pid, port, ready }) = self.server()? {
            if ready {
                return Ok(Some(Started { pid, port, already_running: true }));
            }
            if Instant::now() > deadline {
                let said = self.log_since(0)?;
                return Err(self.explain(&said, port));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }

    /// Whether the installed PostgreSQL is of the version that made the cluster.
    ///
    /// # Errors
    /// [`Error::OtherMajor`] when it is not, [`Error::Io`].
    pub fn check_version(&self) -> Result<(), Error> {
        let path = self.data().join("PG_VERSION");
        let made_by = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let (installed, _) = self.installation.version();
        if made_by.trim() == installed.to_string() {
            return Ok(());
        }
        Err(Error::OtherMajor { data: self.data(), made_by: made_by.trim().to_owned(), installed })
    }

    /// The major version that made the cluster; none where there is no cluster yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn major(&self) -> Result<Option<u32>, Error> {
        if self.status()? == Status::Absent {
            return Ok(None);
        }
        let path = self.data().join("PG_VERSION");
        let made_by = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(made_by.trim().parse().ok())
    }

    /// Removes a pid file no server holds. PostgreSQL refuses to start when it is empty, or
    /// the process id is another program's now, or a zombie's (a container whose first
    /// process does not collect the dead). Should a dead server's children still work on
    /// the data, it refuses without the file too, by the shared memory they hold.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear_pid_file(&self) -> Result<(), Error> {
        let path = PidFile::path(&self.data());
        if self.has_stale_pid_file()? {
            fs::remove_file(&path).map_err(Error::io("delete", &path))?;
        }
        Ok(())
    }

    /// Has `pg_ctl` start the server; whether that says it did.
    fn launch(&self, port: u16) -> Result<bool, Error> {
        let mut command = self.command("pg_ctl");
        command.args(["start", "--wait", "--timeout"]);
        command.arg(PATIENCE.as_secs().to_string());
        command.arg("--pgdata").arg(self.data());
        command.arg("--log").arg(self.log());
        command.args(["--options", &format!("-p {port}")]);
        // No pipes: on Windows the server would inherit them, and never close them.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        detach(&mut command);
        let status = command.status().map_err(Error::io("run", command.get_program().as_ref()))?;
        Ok(status.success())
    }

    /// The length of the log, which is made if need be: the server's user may be unable to.
    fn log_length(&self) -> Result<u64, Error> {
        let path = self.log();
        let length = || {
            let file = File::options().create(true).append(true).open(&path)?;
            Ok(file.metadata()?.len())
        };
        let length = length().map_err(Error::io("open", &path))?;
        self.hand_over(&path)?;
        Ok(length)
    }

    fn log_since(&self, length: u64) -> Result<String, Error> {
        let path = self.log();
        let log = fs::read(&path).map_err(Error::io("read", &path))?;
        let start = usize::try_from(length).unwrap_or(0).min(log.len());
        Ok(String::from_utf8_lossy(&log[start..]).into_owned())
    }

    fn explain(&self, said: &str, port: u16) -> Error {
        if said.contains("could not bind") && !said.contains("Permission denied") {
            return Error::PortTaken { port };
        }
        let lines: Vec<_> = said.lines().collect();
        let hint = HINTS.iter().find(|(sign, _)| said.contains(sign));
        Error::Start {
            log: self.log(),
            lines: lines[lines.len().saturating_sub(10)..].join("\n"),
            hint: hint.map(|(_, hint)| *hint),
        }
    }
}

/// Keeps the terminal's Ctrl-C, and on Windows its closing, from the server.
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
