//! What can go wrong, and what to do about it.

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

/// The oldest PostgreSQL that this crate uses.
pub(crate) const OLDEST: u32 = 15;

/// Why a PostgreSQL could not be found, made, started or stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `PG_BIN` is set, and wrong.
    PgBin {
        /// The folder it names.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No usable PostgreSQL is installed.
    NotFound {
        /// The places looked at.
        looked: Vec<String>,
        /// What was found and cannot be used: too old, incomplete.
        rejected: Vec<String>,
    },
    /// A file or a program could not be used.
    Io {
        /// What was tried: "read", "run".
        action: &'static str,
        /// The file or program.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// We are root, and the system has neither of the users a server could run as.
    NoServerUser,
    /// There is no data folder yet.
    Absent {
        /// Where it would be.
        data: PathBuf,
    },
    /// The data folder was not made by this crate, which leaves it alone.
    Foreign {
        /// The data folder.
        data: PathBuf,
    },
    /// The data folder is of another major version than the installed PostgreSQL.
    OtherMajor {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        made_by: String,
        /// The major version installed.
        installed: u32,
    },
    /// `initdb` failed.
    Init {
        /// What it said.
        output: String,
    },
    /// Somebody else listens on the port.
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The server did not start.
    Start {
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        lines: String,
        /// What to do, when the log is understood.
        hint: Option<&'static str>,
    },
    /// The server did not stop.
    Stop {
        /// What `pg_ctl` said.
        output: String,
    },
    /// The superuser's password was not changed.
    Password {
        /// What `postgres` said.
        output: String,
    },
}

impl Error {
    /// For `map_err`: `action` failed on `path`.
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
                "PG_BIN is {}: {reason}; set it to the folder of PostgreSQL's programs, or unset it",
                folder.display()
            ),
            Self::NotFound { looked, rejected } => not_found(f, looked, rejected),
            Self::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())?;
                match source.kind() {
                    io::ErrorKind::PermissionDenied => f.write_str("; is it another user's?"),
                    _ => Ok(()),
                }
            }
            Self::NoServerUser => f.write_str(
                "PostgreSQL does not run as root, and /etc/passwd has neither postgres nor nobody; \
                 run this as a normal user",
            ),
            Self::Absent { data } => {
                write!(f, "no data folder at {}: initialise it first", data.display())
            }
            Self::Foreign { data } => write!(
                f,
                "{} was not made by this project, so it is left alone; move it away yourself",
                data.display()
            ),
            Self::OtherMajor { data, made_by, installed } => write!(
                f,
                "{} was made by PostgreSQL {made_by}, but {installed} is installed; name the \
                 programs of {made_by} in PG_BIN, or remove the data",
                data.display()
            ),
            Self::Init { output } => write!(f, "initdb failed: {output}"),
            Self::PortTaken { port } => write!(
                f,
                "port {port} of 127.0.0.1 is taken; choose another, or stop what listens there"
            ),
            Self::Start { log, lines, hint } => {
                let log = log.display();
                match lines.as_str() {
                    "" => write!(f, "PostgreSQL did not start, and {log} does not say why")?,
                    lines => write!(f, "PostgreSQL did not start; {log} ends with:\n{lines}")?,
                }
                hint.map_or(Ok(()), |hint| write!(f, "\n{hint}"))
            }
            Self::Stop { output } => write!(f, "PostgreSQL did not stop: {output}"),
            Self::Password { output } => write!(f, "the password was not changed: {output}"),
        }
    }
}

fn not_found(f: &mut fmt::Formatter<'_>, looked: &[String], rejected: &[String]) -> fmt::Result {
    writeln!(f, "no PostgreSQL {OLDEST} or newer on this machine")?;
    writeln!(f, "looked in {}", looked.join(", "))?;
    for found in rejected {
        writeln!(f, "cannot use {found}")?;
    }
    f.write_str("install it: ")?;
    f.write_str(match std::env::consts::OS {
        "macos" => "brew install postgresql@17",
        "windows" => "winget install PostgreSQL.PostgreSQL.17",
        _ => {
            "sudo apt install postgresql (Debian, Ubuntu), sudo dnf install postgresql-server \
             (Fedora, RHEL), or https://www.postgresql.org/download/"
        }
    })
}
