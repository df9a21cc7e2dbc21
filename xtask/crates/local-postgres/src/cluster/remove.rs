//! Stops a cluster's server, and deletes the cluster.

use std::fs;
use std::io::ErrorKind;

use super::delete::delete;
use super::init::SETTINGS;
use super::{Cluster, RELOCATED, Status, Stop, TIMEOUT, exists, run};
use crate::Error;

impl Cluster {
    /// Stops the server and waits until it has stopped. Returns `false` if no server was running.
    ///
    /// # Errors
    /// Returns [`Error::Stop`] if the server keeps running, and [`Error::Io`] if a file cannot be used.
    pub fn stop(&self, how: Stop) -> Result<bool, Error> {
        if !matches!(self.status()?, Status::Running { .. }) {
            return Ok(false);
        }
        let _lock = self.lock()?;
        self.stop_locked(how)
    }

    fn stop_locked(&self, how: Stop) -> Result<bool, Error> {
        if self.server()?.is_none() {
            return Ok(false);
        }
        let mut command = self.command("pg_ctl");
        command.args(["stop", "--wait", "--timeout"]);
        command.arg(TIMEOUT.as_secs().to_string());
        command.arg("--pgdata").arg(self.data());
        command.args(match how {
            Stop::Fast => ["--mode", "fast"],
            Stop::Immediate => ["--mode", "immediate"],
        });
        let stopped = run(&mut command)?;
        stopped.map_err(|output| Error::Stop { output })?;
        Ok(true)
    }

    /// Stops the server and deletes the cluster with its data.
    ///
    /// Returns `false` if the cluster does not exist. Keeps the folder if it contains other files.
    ///
    /// # Errors
    /// Returns [`Error::Foreign`] if [`Cluster::init`] did not create the data folder, [`Error::Stop`]
    /// if the server keeps running, and [`Error::Io`] if a file cannot be used.
    pub fn remove(&self) -> Result<bool, Error> {
        if !self.exists()? {
            return Ok(false);
        }
        let lock = match self.lock() {
            // Another command has removed the cluster in the meantime.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(false);
            }
            lock => lock?,
        };
        let existed = self.exists()?;
        let data = self.data();
        if exists(&data)? {
            self.stop_locked(Stop::Immediate)?;
            // The folder is renamed before the deletion, because the new name marks it as incomplete.
            delete(&self.partial())?;
            fs::rename(&data, self.partial()).map_err(Error::io("rename", &data))?;
        }
        for name in ["data.partial", "password", "log"] {
            delete(&self.folder.join(name))?;
        }
        drop(lock);
        delete(&self.folder.join("lock"))?;
        // This removes only an empty folder, so other files are kept.
        let emptied = fs::remove_dir(&self.folder);
        if emptied.is_ok() && self.folder.starts_with(RELOCATED) {
            let _ = fs::remove_dir(RELOCATED);
        }
        Ok(existed)
    }

    /// Returns whether a complete or partial data folder exists.
    fn exists(&self) -> Result<bool, Error> {
        let data = self.data();
        if !exists(&data)? {
            return exists(&self.partial());
        }
        if self.status()? == Status::Absent || !exists(&data.join(SETTINGS))? {
            return Err(Error::Foreign { data });
        }
        Ok(true)
    }
}
