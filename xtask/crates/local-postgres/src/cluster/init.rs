//! Makes the data folder of a cluster.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::delete::delete;
use super::{Cluster, Credentials, Status, exists, run};
use crate::Error;

/// The file of our settings, in the data folder; also the mark that this is ours.
pub(super) const SETTINGS: &str = "local-postgres.conf";

/// What every cluster has: TCP on this machine only (a socket's path may be too long for
/// the system), and the log on stderr, which `pg_ctl` writes to our file.
const ALWAYS: [(&str, &str); 4] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
];

impl Cluster {
    /// Makes the data folder unless it is there: UTF-8, passwords for everyone, and
    /// `settings` for postgresql.conf. Returns whether it made it.
    ///
    /// What an interrupted call left half-made is replaced.
    ///
    /// # Errors
    /// [`Error::Init`] when initdb fails, [`Error::Foreign`] when there is something else
    /// in the data folder's place, [`Error::Io`].
    pub fn init(
        &self,
        credentials: &Credentials<'_>,
        settings: &[(&str, &str)],
    ) -> Result<bool, Error> {
        if self.status()? != Status::Absent {
            return Ok(false);
        }
        self.make_folder()?;
        let _lock = self.lock()?;
        if self.status()? != Status::Absent {
            return Ok(false);
        }
        if exists(&self.data())? {
            return Err(Error::Foreign { data: self.data() });
        }
        // Made under another name: `data` is there whole, or not at all.
        let partial = self.partial();
        delete(&partial)?;
        self.initdb(&partial, credentials, settings)?;
        configure(&partial, settings).map_err(Error::io("configure", &partial))?;
        self.hand_over(&partial.join(SETTINGS))?;
        fs::rename(&partial, self.data()).map_err(Error::io("rename", &partial))?;
        Ok(true)
    }

    /// A data folder half made, or half deleted.
    pub(super) fn partial(&self) -> PathBuf {
        self.folder.join("data.partial")
    }

    /// Makes the cluster's folder and those above it, for the server's user.
    fn make_folder(&self) -> Result<(), Error> {
        let above = self.folder.ancestors();
        let missing: Vec<_> = above.take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(&self.folder).map_err(Error::io("make", &self.folder))?;
        missing.into_iter().try_for_each(|folder| self.hand_over(folder))?;
        self.hand_over(&self.folder)
    }

    fn initdb(
        &self,
        data: &Path,
        credentials: &Credentials<'_>,
        settings: &[(&str, &str)],
    ) -> Result<(), Error> {
        let password = self.folder.join("password");
        let attempt = |locale: &str| {
            let mut initdb = self.command("initdb");
            initdb.arg("--pgdata").arg(data);
            initdb.arg("--pwfile").arg(&password);
            initdb.args(["--username", credentials.user, "--auth", "scram-sha-256"]);
            initdb.args(["--encoding", "UTF8", locale]);
            if settings.contains(&("fsync", "off")) {
                initdb.arg("--no-sync");
            }
            run(&mut initdb)
        };
        let attempts = || {
            self.write_private(&password, credentials.password)?;
            match attempt("--locale=C.UTF-8")? {
                // macOS and Windows do not have it.
                Err(said) if said.contains("invalid locale") => attempt("--no-locale"),
                made => Ok(made),
            }
        };
        let made = attempts();
        // Before anything else, however that went.
        delete(&password)?;
        made?.map(drop).map_err(|output| Error::Init { output })
    }

    /// Writes a file that only the server's user may read.
    fn write_private(&self, path: &Path, text: &str) -> Result<(), Error> {
        // One that a killed command left.
        delete(path)?;
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(Error::io("write", path))?;
        self.hand_over(path)
    }
}

/// Writes our settings, and makes PostgreSQL read them.
fn configure(data: &Path, settings: &[(&str, &str)]) -> io::Result<()> {
    let mut text = "# Made by local-postgres; changes here are kept.\n".to_owned();
    for (name, value) in ALWAYS.iter().chain(settings) {
        text += &[name, " = '", &value.replace('\'', "''"), "'\n"].concat();
    }
    fs::write(data.join(SETTINGS), text)?;
    File::options()
        .append(true)
        .open(data.join("postgresql.conf"))?
        .write_all(format!("\ninclude '{SETTINGS}'\n").as_bytes())
}
