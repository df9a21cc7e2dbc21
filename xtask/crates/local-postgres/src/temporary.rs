//! Temporary servers for tests.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::process::Process;
use crate::{Cluster, Credentials, Error, Installation, free_port};

/// The start of the folder names. The id of the owner process and a number follow.
const PREFIX: &str = "local-postgres-temporary-";

/// The superuser of every temporary server.
const USER: &str = "postgres";

/// Settings for speed. A crash of the machine can destroy the data.
const SETTINGS: [(&str, &str); 6] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("max_connections", "200"),
    ("shared_buffers", "64MB"),
];

/// A running temporary server. Dropping it stops the server and deletes the data.
#[derive(Debug)]
pub struct Temporary {
    cluster: Cluster,
    /// The folder that [`Temporary::sweep`] finds. The cluster may be in another folder.
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Temporary {
    /// Creates a server in a new folder below `parent`, and starts the server on a free port.
    ///
    /// `settings` extend or override the default settings for tests.
    ///
    /// # Errors
    /// Returns the errors of [`Cluster::init`] and [`Cluster::start`].
    pub fn start(
        installation: &Installation,
        parent: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let folder = make_folder(parent)?;
        let mut server = Self {
            cluster: Cluster::open(installation, &folder)?,
            folder,
            port: 0,
            password: random_password(),
        };
        let credentials = Credentials { user: USER, password: &server.password };
        server.cluster.init(&credentials, &[&SETTINGS, settings].concat())?;
        server.port = server.start_on_free_port()?;
        Ok(server)
    }

    fn start_on_free_port(&self) -> Result<u16, Error> {
        let mut tries = 5;
        loop {
            let port = free_port(None).map_err(Error::io("find a port for", &self.folder))?;
            match self.cluster.start(port) {
                // Tries again with another port, because another program has taken the port in the meantime.
                Err(Error::PortTaken { .. }) if tries > 0 => tries -= 1,
                started => return Ok(started?.port),
            }
        }
    }

    /// Returns the URL of the database `postgres`, with user and password.
    pub fn url(&self) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgresql://{USER}:{password}@127.0.0.1:{port}/postgres")
    }

    /// Returns the port of the server, even if the server is stopped.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the cluster of the server.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Removes the temporary servers in `parent` whose owner process has exited.
    ///
    /// Returns the number of removed servers.
    ///
    /// # Errors
    /// Fails if a server cannot be stopped or deleted.
    pub fn sweep(installation: &Installation, parent: &Path) -> Result<usize, Error> {
        let entries = fs::read_dir(parent).map_err(Error::io("read", parent))?;
        let mut removed = 0;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(owner) = owner(&name.to_string_lossy()) else {
                continue;
            };
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let owner = Process::find(owner).map_err(Error::io("find the owner of", &path))?;
            if is_folder && owner.is_none() {
                remove(&Cluster::open(installation, &path)?, &path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Errors are ignored, because `sweep` removes the remaining files later.
        let _ = remove(&self.cluster, &self.folder);
    }
}

fn remove(cluster: &Cluster, folder: &Path) -> Result<(), Error> {
    cluster.remove()?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("delete", folder)(error))
        }
        _ => Ok(()),
    }
}

fn make_folder(parent: &Path) -> Result<PathBuf, Error> {
    let mut number = 0;
    loop {
        let name = format!("{PREFIX}{}-{number}", process::id());
        let folder = parent.join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io("create", &folder)(error)),
        }
    }
}

fn owner(name: &str) -> Option<u32> {
    let (owner, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    owner.parse().ok()
}

/// Returns a random password from the seeds of the standard library's hashers.
///
/// This randomness is sufficient for a temporary server on 127.0.0.1.
fn random_password() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
