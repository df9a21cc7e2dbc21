//! The lock of a checkout. Only one command at a time can change the stack.

use std::fs::{self, File, TryLockError};

use anyhow::Context;

use crate::{project::Project, report};

/// Locks the stack until the returned file is closed, at the latest when this process ends.
/// Prints a note and waits while another command holds the lock.
pub fn take(project: &Project) -> anyhow::Result<File> {
    let path = project.runtime("lock");
    let take = || {
        fs::create_dir_all(project.runtime(""))?;
        let file = File::options().create(true).append(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                report::note("another command is running on this stack; waiting for it to finish");
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(file)
    };
    take().with_context(|| format!("cannot lock {}", path.display()))
}
