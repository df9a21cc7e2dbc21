//! Stops a cluster's server, and deletes the cluster.

use std::fs;
use std::io::ErrorKind;

use super::delete::delete;
use super::init::SETTINGS;
use super::{Cluster, PATIENCE, RELOCATED, Status, Stop, exists, run};
use crate::Error;

impl Cluster {
    /// Stops the server and waits for its end. Returns `false` when none was running.
    ///
    /// # Errors
    /// [`Error::Stop`] when it runs on, [`Error::Io`].
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
        command.arg(PATIENCE.as_secs().to_string());
        command.arg("--pgdata").arg(self.data());
        command.args(match how {
            Stop::Fast => ["--mode", "fast"],
            Stop::Immediate => ["--mode", "immediate"],
        });
        let stopped = run(&mut command)?;
        stopped.map_err(|output| Error::Stop { output })?;
        Ok(true)
    }

    /// Stops the server and deletes the cluster with its data. Returns `false` when there
    /// was nothing to delete. The folder stays if something else is in it.
    ///
    /// # Errors
    /// [`Error::Foreign`] when the data folder was not made by [`Cluster::init`],
    /// [`Error::Stop`], [`Error::Io`].
    pub fn remove(&self) -> Result<bool, Error> {
        if !self.is_there()? {
            return Ok(false);
        }
        let lock = match self.lock() {
            // Another command removes it too, and is done.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(false);
            }
            lock => lock?,
        };
        let there = self.is_there()?;
        let data = self.data();
        if exists(&data)? {
            self.stop_locked(Stop::Immediate)?;
            // Renamed first, so that a half-deleted folder is never taken for a whole one.
            delete(&self.partial())?;
            fs::rename(&data, self.partial()).map_err(Error::io("rename", &data))?;
        }
        for name in ["data.partial", "password", "log"] {
            delete(&self.folder.join(name))?;
        }
        drop(lock);
        delete(&self.folder.join("lock"))?;
        // These fail, rightly, when something else is in them.
        let emptied = fs::remove_dir(&self.folder);
        if emptied.is_ok() && self.folder.starts_with(RELOCATED) {
            let _ = fs::remove_dir(RELOCATED);
        }
        Ok(there)
    }

    /// Whether there is a data folder of ours, be it half made.
    fn is_there(&self) -> Result<bool, Error> {
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
