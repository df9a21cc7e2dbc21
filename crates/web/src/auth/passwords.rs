//! Hashes and verifies passwords on blocking threads. The number of threads depends on the CPU and memory limits of the
//! process. Beyond a short queue, requests get 503.

use std::{
    fs,
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};

use config::Secret;
use store::credentials::password;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::error::{ApiError, FieldError};

/// The memory of one computation, in bytes.
const MEMORY: u64 = 19 * 1024 * 1024;
/// The part of the process's memory limit that computations may use.
const SHARE: u64 = 4;
/// The number of requests for each thread, running or waiting. The last of them waits for about half a second.
const QUEUE: usize = 16;

static THREADS: LazyLock<usize> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, usize::from);
    threads(cores, memory_limit())
});
static RUNNING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(*THREADS)));
static WAITING: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(*THREADS * QUEUE)));

/// A place in the queue for password hashes. A request takes its place first. If the queue is full, the request
/// therefore costs no query and does not count as a log-in attempt.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// Takes a place.
    ///
    /// # Errors
    /// Returns [`ApiError::Busy`] if the queue is full.
    pub(crate) fn take() -> Result<Self, ApiError> {
        let permit = WAITING.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
        Ok(Self { _permit: permit })
    }
}

/// Checks that a new password is not a common one. `pointer` is its place in the body.
///
/// # Errors
/// Returns [`ApiError::Invalid`] for a common password.
pub(crate) fn check_new(password: &Secret, pointer: &str) -> Result<(), ApiError> {
    if !password::is_common(password) {
        return Ok(());
    }
    let problem =
        "is one of the most common passwords, which attackers try first; use several random words";
    Err(ApiError::Invalid(vec![FieldError::new(pointer.to_owned(), problem)]))
}

/// Returns the hash of a password, to be stored.
pub(crate) async fn hash(_: &Place, password: Secret) -> String {
    compute(move || password::hash(&password)).await
}

/// Returns true if the password has this hash. Without a hash, the check fails after the same time.
pub(crate) async fn verify(_: &Place, password: Secret, hash: Option<String>) -> bool {
    compute(move || password::verify(&password, hash.as_deref())).await
}

async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = RUNNING.clone().acquire_owned().await.expect("the semaphore is never closed");
    let span = tracing::debug_span!("password_hash");
    let computed = spawn_blocking(move || {
        // The closure owns the permit until the work ends, even if the request is cancelled.
        let _permit = permit;
        span.in_scope(work)
    });
    computed.await.expect("hashing does not panic")
}

/// Returns the number of threads: one for each core, or fewer if their share of the memory is too small. `cores`
/// already respects the CPU limit of a container.
fn threads(cores: usize, memory_limit: Option<u64>) -> usize {
    let by_memory = memory_limit.map_or(u64::MAX, |limit| limit / SHARE / MEMORY);
    cores.min(usize::try_from(by_memory).unwrap_or(usize::MAX)).max(1)
}

/// Returns the memory limit of the process's control group in bytes, if it has one.
fn memory_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    // With cgroup version 2, the file has one line such as `0::/path`. Inside a container, the path is `/`.
    let path = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let files = [
        format!("/sys/fs/cgroup{path}/memory.max"),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned(),
    ];
    // The file contains the text "max" if there is no limit.
    files.iter().find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_respect_cores_and_memory() {
        let gibibyte = 1024 * 1024 * 1024;
        for (cores, limit, expected) in [
            (8, None, 8),
            (8, Some(64 * gibibyte), 8),
            (8, Some(gibibyte / 4), 3),
            (2, Some(gibibyte / 4), 2),
            (2, Some(1), 1),
        ] {
            assert_eq!(threads(cores, limit), expected, "{cores} cores, {limit:?}");
        }
    }

    #[tokio::test]
    async fn full_queue_is_refused() {
        let places: Vec<_> = std::iter::from_fn(|| Place::take().ok()).collect();
        assert_eq!(places.len(), *THREADS * QUEUE);
        assert!(matches!(Place::take(), Err(ApiError::Busy)));
        drop(places);
        assert!(Place::take().is_ok());
    }
}
