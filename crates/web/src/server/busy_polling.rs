//! Busy-polling: a runtime thread polls for events for some microseconds before it parks.
//!
//! With a few connections, the thread that serves them often has no work between a query and PostgreSQL's response.
//! Parking and being woken for each of them took a quarter of its time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::task::yield_now;

/// The time to poll after a request has begun or ended. Most responses of the database arrive sooner.
const POLL_TIME: Duration = Duration::from_micros(50);
/// The smallest number of requests in flight that starts polling.
const MIN_IN_FLIGHT: usize = 2;

/// The requests of a server.
#[derive(Default)]
pub(super) struct BusyPolling {
    in_flight: AtomicUsize,
    /// The number of requests that have begun plus the number that have ended.
    steps: AtomicUsize,
    is_polling: AtomicBool,
}

impl BusyPolling {
    /// A request is in flight until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.steps.fetch_add(1, Relaxed);
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        if in_flight >= MIN_IN_FLIGHT && !self.is_polling.swap(true, Relaxed) {
            tokio::spawn(self.clone().poll());
        }
        InFlight(self.clone())
    }

    /// Keeps the runtime polling for events instead of parking.
    async fn poll(self: Arc<Self>) {
        let (mut steps, mut since) = (self.steps.load(Relaxed), Instant::now());
        while self.in_flight.load(Relaxed) >= MIN_IN_FLIGHT && since.elapsed() < POLL_TIME {
            yield_now().await;
            let now = self.steps.load(Relaxed);
            if now != steps {
                (steps, since) = (now, Instant::now());
            }
        }
        self.is_polling.store(false, Relaxed);
    }
}

pub(super) struct InFlight(Arc<BusyPolling>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.steps.fetch_add(1, Relaxed);
    }
}
