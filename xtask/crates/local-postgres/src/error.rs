//! The errors of this crate, with remedies.

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

/// The oldest supported major version of PostgreSQL.
pub(crate) const OLDEST: u32 = 15;

/// An error while finding, initialising, starting or stopping PostgreSQL.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `PG_BIN` is set to a folder without a usable PostgreSQL.
    PgBin {
        /// The folder in `PG_BIN`.
        folder: PathBuf,
        /// The reason why the folder cannot be used.
        reason: String,
    },
    /// No usable PostgreSQL is installed.
    NotFound {
        /// The searched places.
        looked: Vec<String>,
        /// The folders with a PostgreSQL that is too old or incomplete, with the reasons.
        rejected: Vec<String>,
    },
    /// A file or a program could not be used.
    Io {
        /// The failed action, such as "read" or "run".
        action: &'static str,
        /// The file or program.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// This process is root, and no other user exists that could run the server.
    NoServerUser,
    /// The folder contains data, but the user that runs the server can no longer reach it.
    Unreachable {
        /// The folder of the cluster.
        folder: PathBuf,
        /// The folder above the cluster that the user cannot enter.
        closed: PathBuf,
    },
    /// The data folder does not exist.
    Absent {
        /// The expected path of the data folder.
        data: PathBuf,
    },
    /// The data folder was not created by this crate.
    Foreign {
        /// The data folder.
        data: PathBuf,
    },
    /// The data folder was created by another major version than the installed version.
    OtherMajor {
        /// The data folder.
        data: PathBuf,
        /// The major version that created the data folder.
        made_by: String,
        /// The installed major version.
        installed: u32,
    },
    /// `initdb` failed.
    Init {
        /// The output of `initdb`.
        output: String,
    },
    /// Another program listens on the port.
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The server did not start.
    Start {
        /// The path of the log.
        log: PathBuf,
        /// The last lines of the log.
        lines: String,
        /// The remedy, if the cause is known.
        hint: Option<&'static str>,
    },
    /// The server did not stop.
    Stop {
        /// The output of `pg_ctl`.
        output: String,
    },
    /// The superuser's password was not changed.
    Password {
        /// The output of `postgres`.
        output: String,
    },
}

impl Error {
    /// Returns a function for `map_err` that adds the failed action and the path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PgBin { folder, reason } => write!(
                f,
                "PG_BIN is {}: {reason}. Set PG_BIN to the folder of PostgreSQL's programs, or unset PG_BIN.",
                folder.display()
            ),
            Self::NotFound { looked, rejected } => not_found(f, looked, rejected),
            Self::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())?;
                match source.kind() {
                    io::ErrorKind::PermissionDenied => f.write_str(". Check the owner with ls -l."),
                    _ => Ok(()),
                }
            }
            Self::NoServerUser => f.write_str(
                "PostgreSQL cannot run as root, and /etc/passwd contains neither postgres nor nobody. \
                 Run this command as a normal user.",
            ),
            Self::Unreachable { folder, closed } => {
                let (folder, closed) = (folder.display(), closed.display());
                write!(
                    f,
                    "the database is in {folder}, but the user that runs PostgreSQL cannot enter {closed}. \
                     Run chmod o+x {closed}."
                )
            }
            Self::Absent { data } => {
                write!(f, "the data folder {} does not exist. Run cargo xtask up.", data.display())
            }
            Self::Foreign { data } => write!(
                f,
                "this project did not create {} and does not change it. Move the folder away.",
                data.display()
            ),
            Self::OtherMajor { data, made_by, installed } => write!(
                f,
                "{} was created by PostgreSQL {made_by}, but {installed} is installed. Set PG_BIN to \
                 the folder with the programs of PostgreSQL {made_by}, or delete the data.",
                data.display()
            ),
            Self::Init { output } => write!(f, "initdb failed: {output}"),
            Self::PortTaken { port } => write!(
                f,
                "another program uses port {port} on 127.0.0.1. Choose another port, or stop that program."
            ),
            Self::Start { log, lines, hint } => {
                let log = log.display();
                match lines.as_str() {
                    "" => write!(f, "PostgreSQL did not start, and {log} contains no reason")?,
                    lines => write!(f, "PostgreSQL did not start. The last lines of {log}:\n{lines}")?,
                }
                hint.map_or(Ok(()), |hint| write!(f, "\n{hint}"))
            }
            Self::Stop { output } => write!(f, "PostgreSQL did not stop: {output}"),
            Self::Password { output } => write!(f, "the password was not changed: {output}"),
        }
    }
}

fn not_found(f: &mut fmt::Formatter<'_>, looked: &[String], rejected: &[String]) -> fmt::Result {
    writeln!(f, "PostgreSQL {OLDEST} or newer is not installed on this machine")?;
    writeln!(f, "searched {}", looked.join(", "))?;
    for found in rejected {
        writeln!(f, "cannot use {found}")?;
    }
    f.write_str("install PostgreSQL: ")?;
    f.write_str(match std::env::consts::OS {
        "macos" => "brew install postgresql@17",
        "windows" => "winget install PostgreSQL.PostgreSQL.17",
        _ => {
            "sudo apt install postgresql (Debian, Ubuntu), sudo dnf install postgresql-server \
             (Fedora, RHEL) or see https://www.postgresql.org/download/"
        }
    })
}
