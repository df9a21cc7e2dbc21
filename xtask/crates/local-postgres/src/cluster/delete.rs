//! Deletes files and folders.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// Deletes a file or folder, if it exists.
pub(super) fn delete(path: &Path) -> Result<(), Error> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let deleted = match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match deleted {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                // Tries again on Windows, where a file can stay locked for a short time after its program exits.
                if cfg!(unix) || Instant::now() > deadline {
                    return Err(Error::io("delete", path)(error));
                }
                thread::sleep(Duration::from_millis(50));
            }
            _ => return Ok(()),
        }
    }
}
