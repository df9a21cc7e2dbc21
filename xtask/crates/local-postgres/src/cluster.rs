//! A PostgreSQL server of the project's own: a data folder, a log, a port on 127.0.0.1.

mod delete;
mod init;
mod password;
mod pid_file;
mod remove;
mod start;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::server_user::ServerUser;
use crate::{Error, Fnv1a, Installation};
use pid_file::{Holder, PidFile};

/// How long a server may take to start (it may have a crash to recover from) or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where clusters go whose own folder the server's user cannot reach.
const RELOCATED: &str = "/var/lib/slipway";

/// A server of the project's own, in one folder; nothing is made before [`Cluster::init`].
#[derive(Debug)]
pub struct Cluster {
    installation: Installation,
    folder: PathBuf,
    user: Option<ServerUser>,
}

/// The superuser a cluster is made with.
pub struct Credentials<'a> {
    /// Its name.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
}

/// What a cluster is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no data folder.
    Absent,
    /// No server runs on it.
    Stopped,
    /// A server runs; it may still be starting, or stopping.
    Running {
        /// The process id of the server.
        pid: u32,
        /// The port it was started on.
        port: u16,
    },
}

/// A server that accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The process id of the server.
    pub pid: u32,
    /// The port it listens on, of 127.0.0.1.
    pub port: u16,
    /// Whether it ran before it was asked to start.
    pub already_running: bool,
}

/// How to stop a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ends the connections, writes everything, stops.
    Fast,
    /// Stops as if it crashed; the next start recovers, which takes longer.
    Immediate,
}

impl Cluster {
    /// Names the cluster in `folder`, which need not exist. When we are root the server
    /// runs as another user; if that user cannot reach `folder` (a clone under `/root`),
    /// the cluster is elsewhere: see [`Cluster::folder`].
    ///
    /// # Errors
    /// When we are root and there is no other user to run as.
    pub fn open(installation: &Installation, folder: &Path) -> Result<Self, Error> {
        let mut folder = real(folder).map_err(Error::io("find", folder))?;
        let user = ServerUser::find(&folder)?;
        if user.is_some_and(|user| !user.reaches(&folder)) {
            let hash = Fnv1a::of(folder.as_os_str().as_encoded_bytes());
            folder = Path::new(RELOCATED).join(format!("{hash:016x}"));
        }
        Ok(Self { installation: installation.clone(), folder, user })
    }

    /// The folder the cluster really is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Returns what the cluster is doing. On Linux it reads two files.
    ///
    /// # Errors
    /// [`Error::Io`] when we may not read the data folder.
    pub fn status(&self) -> Result<Status, Error> {
        if !exists(&self.data().join("PG_VERSION"))? {
            return Ok(Status::Absent);
        }
        Ok(self.server()?.map_or(Status::Stopped, |server| {
            let PidFile { pid, port, .. } = server;
            Status::Running { pid, port }
        }))
    }

    /// Whether a server that was killed has left its pid file; [`Cluster::start`] removes it.
    ///
    /// # Errors
    /// [`Error::Io`] when we may not read the data folder.
    pub fn has_stale_pid_file(&self) -> Result<bool, Error> {
        let data = self.data();
        Ok(match PidFile::read(&data)? {
            Some(file) => file.holder(&data)? == Holder::Nobody,
            None => PidFile::path(&data).exists(),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What the running server says of itself.
    fn server(&self) -> Result<Option<PidFile>, Error> {
        let data = self.data();
        match PidFile::read(&data)? {
            Some(file) if file.holder(&data)? == Holder::Server => Ok(Some(file)),
            _ => Ok(None),
        }
    }

    /// One of PostgreSQL's programs, ready to run as the server's user.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.installation.program(program));
        // The C locale: messages in English, and macOS wants some locale to be set. The
        // folder: wherever we are, the server's user may not be able to enter it.
        command.env("LC_ALL", "C").current_dir(&self.folder).stdin(Stdio::null());
        if let Some(user) = self.user {
            user.run(&mut command);
        }
        command
    }

    /// Gives a file or folder we made to the server's user.
    fn hand_over(&self, path: &Path) -> Result<(), Error> {
        self.user
            .map_or(Ok(()), |user| user.own(path).map_err(Error::io("change the owner of", path)))
    }

    /// Keeps other commands off the cluster until the returned file is closed.
    fn lock(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(Error::io("open", &path))?;
        self.hand_over(&path)?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    }
}

/// Runs a program that leaves nothing running; its output, which on failure is `Err`.
fn run(command: &mut Command) -> Result<Result<String, String>, Error> {
    let output = command.output().map_err(Error::io("run", command.get_program().as_ref()))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Ok(if output.status.success() { Ok(said) } else { Err(said) })
}

/// `path` absolute and without links, of which the end need not exist.
fn real(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    if cfg!(windows) {
        // There a canonical path is of a kind (`\\?\`) that PostgreSQL does not take.
        return Ok(path);
    }
    let end = |above: &Path| path.strip_prefix(above).unwrap_or(Path::new("")).to_owned();
    let found = path.ancestors().find_map(|above| {
        let found = fs::canonicalize(above).ok()?;
        // Collected from its components, a path has no slash at its end.
        Some(found.join(end(above)).components().collect())
    });
    Ok(found.unwrap_or(path))
}

fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(Error::io("read", path))
}
