//! The project's PostgreSQL cluster: a data folder, a log and a server on 127.0.0.1.

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

/// The time limit for starting, which includes crash recovery, and for stopping a server.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The folder of clusters whose own folder the server's user cannot reach.
const RELOCATED: &str = "/var/lib/slipway";

/// A PostgreSQL cluster in one folder. [`Cluster::init`] creates the files.
#[derive(Debug)]
pub struct Cluster {
    installation: Installation,
    folder: PathBuf,
    user: Option<ServerUser>,
}

/// The superuser of a cluster.
pub struct Credentials<'a> {
    /// The name of the superuser.
    pub user: &'a str,
    /// The password of the superuser.
    pub password: &'a str,
}

/// The status of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The data folder does not exist.
    Absent,
    /// The data folder exists, but no server is running.
    Stopped,
    /// A server is running, starting or stopping.
    Running {
        /// The process id of the server.
        pid: u32,
        /// The port of the server.
        port: u16,
    },
}

/// A server that accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The process id of the server.
    pub pid: u32,
    /// The port of the server on 127.0.0.1.
    pub port: u16,
    /// True if the server was running before the call.
    pub already_running: bool,
}

/// A shutdown mode of `pg_ctl stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Closes all connections, writes all data and stops.
    Fast,
    /// Stops like in a crash. The next start takes longer, because it recovers the data.
    Immediate,
}

impl Cluster {
    /// Returns the cluster in `folder`, which need not exist.
    ///
    /// If this process is root, the server runs as another user. If that user cannot reach `folder`,
    /// the cluster uses another folder, which [`Cluster::folder`] returns.
    ///
    /// # Errors
    /// Fails if this process is root and no other user exists to run the server. Returns
    /// [`Error::Unreachable`] if `folder` contains data and the user can no longer reach `folder`.
    pub fn open(installation: &Installation, folder: &Path) -> Result<Self, Error> {
        let mut folder = canonical(folder).map_err(Error::io("find", folder))?;
        let user = ServerUser::find(&folder)?;
        if let Some(user) = user {
            let hash = Fnv1a::of(folder.as_os_str().as_encoded_bytes());
            let relocated = Path::new(RELOCATED).join(format!("{hash:016x}"));
            let has_data = exists(&folder.join("data"))?;
            match user.blocked_by(&folder) {
                Some(closed) if has_data => return Err(Error::Unreachable { folder, closed }),
                Some(_) => folder = relocated,
                // The data is in `relocated`, because the user could not reach `folder` when the data was created.
                None if !has_data && exists(&relocated.join("data"))? => folder = relocated,
                None => {}
            }
        }
        Ok(Self { installation: installation.clone(), folder, user })
    }

    /// Returns the actual folder of the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of the server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Returns the status of the cluster.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the data folder cannot be read.
    pub fn status(&self) -> Result<Status, Error> {
        if !exists(&self.data().join("PG_VERSION"))? {
            return Ok(Status::Absent);
        }
        Ok(self.server()?.map_or(Status::Stopped, |server| {
            let PidFile { pid, port, .. } = server;
            Status::Running { pid, port }
        }))
    }

    /// Returns whether a killed server left a pid file, which [`Cluster::start`] would remove.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the data folder cannot be read.
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

    /// Returns the pid file of the running server.
    fn server(&self) -> Result<Option<PidFile>, Error> {
        let data = self.data();
        match PidFile::read(&data)? {
            Some(file) if file.holder(&data)? == Holder::Server => Ok(Some(file)),
            _ => Ok(None),
        }
    }

    /// Returns a command that runs a PostgreSQL program as the server's user.
    fn command(&self, program: &str) -> Command {
        let mut command = crate::program(self.installation.program(program));
        // LC_ALL=C selects English messages. The working folder is the cluster's folder, because the
        // server's user may not be able to enter the current folder.
        command.env("LC_ALL", "C").current_dir(&self.folder).stdin(Stdio::null());
        if let Some(user) = self.user {
            user.run(&mut command);
        }
        command
    }

    /// Makes the server's user the owner of a file or folder.
    fn change_owner(&self, path: &Path) -> Result<(), Error> {
        self.user
            .map_or(Ok(()), |user| user.chown(path).map_err(Error::io("change the owner of", path)))
    }

    /// Locks the cluster for other commands until the returned file is closed.
    fn lock(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(Error::io("open", &path))?;
        self.change_owner(&path)?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    }
}

/// Runs a program and returns its output. The inner result is `Err` if the program fails.
fn run(command: &mut Command) -> Result<Result<String, String>, Error> {
    let output = command.output().map_err(Error::io("run", command.get_program().as_ref()))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    Ok(if output.status.success() { Ok(text) } else { Err(text) })
}

/// Returns the absolute path without symbolic links. The last components need not exist.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    if cfg!(windows) {
        // On Windows, the path is not changed, because PostgreSQL rejects canonical paths (`\\?\C:\`).
        return Ok(path);
    }
    let end = |above: &Path| path.strip_prefix(above).unwrap_or(Path::new("")).to_owned();
    let found = path.ancestors().find_map(|above| {
        let found = fs::canonicalize(above).ok()?;
        // `components` removes a slash at the end.
        Some(found.join(end(above)).components().collect())
    });
    Ok(found.unwrap_or(path))
}

fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(Error::io("read", path))
}
