//! Hashes and verifies passwords on blocking threads, at most one at a time for each core.

use std::{
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};

use config::Secret;
use store::credentials::password;
use tokio::{sync::Semaphore, task::spawn_blocking};

static CORES: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))));

/// Returns the hash of a password, to be stored.
pub(crate) async fn hash(password: Secret) -> String {
    compute(move || password::hash(&password)).await
}

/// Returns true if the password has this hash. Without a hash, the check fails after the same time.
pub(crate) async fn verify(password: Secret, hash: Option<String>) -> bool {
    compute(move || password::verify(&password, hash.as_deref())).await
}

async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = CORES.clone().acquire_owned().await.expect("the semaphore is never closed");
    let computed = spawn_blocking(move || {
        // Held until the work ends, even if the request is cancelled.
        let _permit = permit;
        work()
    });
    computed.await.expect("hashing does not panic")
}
