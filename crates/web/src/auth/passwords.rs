//! Hashes passwords, on threads of their own and never more at once than there are cores.

use std::{
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};

use config::Secret;
use credentials::password;
use tokio::{sync::Semaphore, task::spawn_blocking};

static CORES: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))));

/// The hash to store of a password.
pub(crate) async fn hash(password: Secret) -> String {
    compute(move || password::hash(&password)).await
}

/// Whether this is the password with that hash; without one, it takes as long to say no.
pub(crate) async fn verify(password: Secret, hash: Option<String>) -> bool {
    compute(move || password::verify(&password, hash.as_deref())).await
}

async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = CORES.clone().acquire_owned().await.expect("nobody closes it");
    let computed = spawn_blocking(move || {
        // Held to the end, even if the request is gone by then.
        let _permit = permit;
        work()
    });
    computed.await.expect("hashing does not panic")
}
