//! The lock of a checkout: only one command at a time changes the stack.

use std::fs::{self, File, TryLockError};

use anyhow::Context;

use crate::{project::Project, report};

/// Keeps other commands off the stack until the returned file is closed, which the system does
/// however this process ends. Waits, and says so, while another command is at work.
pub fn take(project: &Project) -> anyhow::Result<File> {
    let path = project.runtime("lock");
    let take = || {
        fs::create_dir_all(project.runtime(""))?;
        let file = File::options().create(true).append(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                report::note("another command is at work on this stack: waiting for its end");
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(file)
    };
    take().with_context(|| format!("cannot lock {}", path.display()))
}
