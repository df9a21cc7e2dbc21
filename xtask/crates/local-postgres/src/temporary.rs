//! A throw-away server for tests.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::process::Process;
use crate::{Cluster, Credentials, Error, Installation, free_port};

/// How the folders of temporary servers are called: this, the owner's process id, a number.
const PREFIX: &str = "local-postgres-temporary-";

/// The user of every temporary server.
const USER: &str = "postgres";

/// Fast rather than safe: after a crash of the machine the data is lost.
const SETTINGS: [(&str, &str); 6] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("max_connections", "200"),
    ("shared_buffers", "64MB"),
];

/// A running server with data of its own, both gone when this is dropped.
#[derive(Debug)]
pub struct Temporary {
    cluster: Cluster,
    /// The cluster's folder, unless that is elsewhere: then it stands for it.
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Temporary {
    /// Makes a server in a new folder of `place` and starts it on a free port.
    /// `settings` add to, or override, ours for postgresql.conf.
    ///
    /// # Errors
    /// Those of [`Cluster::init`] and [`Cluster::start`].
    pub fn start(
        installation: &Installation,
        place: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let folder = make_folder(place)?;
        let mut server = Self {
            cluster: Cluster::open(installation, &folder)?,
            folder,
            port: 0,
            password: random_password(),
        };
        let credentials = Credentials { user: USER, password: &server.password };
        server.cluster.init(&credentials, &[&SETTINGS, settings].concat())?;
        server.port = server.start_somewhere()?;
        Ok(server)
    }

    fn start_somewhere(&self) -> Result<u16, Error> {
        let mut tries = 5;
        loop {
            let port = free_port(None).map_err(Error::io("find a port for", &self.folder))?;
            match self.cluster.start(port) {
                // Another program was faster.
                Err(Error::PortTaken { .. }) if tries > 0 => tries -= 1,
                started => return Ok(started?.port),
            }
        }
    }

    /// Where it is, as a URL with its user, password and the database `postgres`.
    pub fn url(&self) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgresql://{USER}:{password}@127.0.0.1:{port}/postgres")
    }

    /// Its port, also while it does not run.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The cluster behind it, to stop or kill, or to read its log.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Removes the temporary servers in `place` whose owner is gone: it was killed, or never
    /// dropped them (a `static` is not). Returns how many it removed.
    ///
    /// # Errors
    /// When one of them cannot be stopped or deleted.
    pub fn sweep(installation: &Installation, place: &Path) -> Result<usize, Error> {
        let entries = fs::read_dir(place).map_err(Error::io("read", place))?;
        let mut removed = 0;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(owner) = owner(&name.to_string_lossy()) else {
                continue;
            };
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let lives = Process::find(owner).map_err(Error::io("find the owner of", &path))?;
            if is_folder && lives.is_none() {
                remove(&Cluster::open(installation, &path)?, &path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A failure here has nobody to go to; `sweep` finds what is left.
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

fn make_folder(place: &Path) -> Result<PathBuf, Error> {
    let mut number = 0;
    loop {
        let name = format!("{PREFIX}{}-{number}", process::id());
        let folder = place.join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io("make", &folder)(error)),
        }
    }
}

fn owner(name: &str) -> Option<u32> {
    let (owner, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    owner.parse().ok()
}

/// The standard library seeds its hashers from the system's random numbers, which is
/// enough for a server that only this machine reaches, and only for a moment.
fn random_password() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
