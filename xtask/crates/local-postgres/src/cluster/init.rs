//! Creates the data folder of a cluster.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::delete::delete;
use super::{Cluster, Credentials, Status, exists, run};
use crate::Error;

/// The settings file in the data folder, which also marks the folder as created by this crate.
pub(super) const SETTINGS: &str = "local-postgres.conf";

/// The settings of every cluster. Unix sockets are off, because the path of the folder may be too
/// long. The log goes to stderr, because `pg_ctl` redirects stderr to the log file.
const ALWAYS: [(&str, &str); 4] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
];

impl Cluster {
    /// Creates the data folder with UTF-8, password authentication and `settings`.
    ///
    /// Returns `false` if the data folder exists. Replaces the files of an interrupted call.
    ///
    /// # Errors
    /// Returns [`Error::Init`] if initdb fails, [`Error::Foreign`] if the data folder was not created
    /// by this crate, and [`Error::Io`] if a file cannot be used.
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
        // The data is created under another name. The folder gets its final name when it is complete.
        let partial = self.partial();
        delete(&partial)?;
        self.initdb(&partial, credentials, settings)?;
        configure(&partial, settings).map_err(Error::io("configure", &partial))?;
        self.change_owner(&partial.join(SETTINGS))?;
        fs::rename(&partial, self.data()).map_err(Error::io("rename", &partial))?;
        Ok(true)
    }

    /// Returns the path of a data folder that is not completely created or deleted.
    pub(super) fn partial(&self) -> PathBuf {
        self.folder.join("data.partial")
    }

    /// Creates the cluster's folder and its parents, owned by the server's user.
    fn make_folder(&self) -> Result<(), Error> {
        let above = self.folder.ancestors();
        let missing: Vec<_> = above.take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        missing.into_iter().try_for_each(|folder| self.change_owner(folder))?;
        self.change_owner(&self.folder)
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
                // Tries again without a locale, because macOS and Windows do not have the locale C.UTF-8.
                Err(output) if output.contains("invalid locale") => attempt("--no-locale"),
                result => Ok(result),
            }
        };
        let result = attempts();
        // The password is deleted even if initdb fails.
        delete(&password)?;
        result?.map(drop).map_err(|output| Error::Init { output })
    }

    /// Writes a file that only the server's user can read.
    fn write_private(&self, path: &Path, text: &str) -> Result<(), Error> {
        // Deletes the file that an earlier, killed command may have left.
        delete(path)?;
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(Error::io("write", path))?;
        self.change_owner(path)
    }
}

/// Writes the settings file, and includes it in postgresql.conf.
fn configure(data: &Path, settings: &[(&str, &str)]) -> io::Result<()> {
    let mut text = "# Created by local-postgres. Changes to this file are kept.\n".to_owned();
    for (name, value) in ALWAYS.iter().chain(settings) {
        text += &[name, " = '", &value.replace('\'', "''"), "'\n"].concat();
    }
    fs::write(data.join(SETTINGS), text)?;
    File::options()
        .append(true)
        .open(data.join("postgresql.conf"))?
        .write_all(format!("\ninclude '{SETTINGS}'\n").as_bytes())
}
