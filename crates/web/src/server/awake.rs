//! A thread that looks for the next event for some microseconds before it sleeps.
//!
//! With a handful of connections the thread that answers runs out of work for moments, between a statement
//! that it sent and PostgreSQL's answer. To sleep and be woken for each of them took a quarter of its
//! time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::task::yield_now;

/// How long to stay awake after a request has begun or ended: most answers of the database come sooner, and a
/// request that waits for longer than this costs no more processor than this.
const LONGEST: Duration = Duration::from_micros(50);
/// Requests in flight that are worth it. What comes one by one leaves the processor to others.
const FEWEST: usize = 2;

/// All requests of a server.
#[derive(Default)]
pub(super) struct Awake {
    in_flight: AtomicUsize,
    /// How many have begun and ended, for telling whether any has.
    steps: AtomicUsize,
    is_looking: AtomicBool,
}

impl Awake {
    /// A request is in flight until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.steps.fetch_add(1, Relaxed);
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        if in_flight >= FEWEST && !self.is_looking.swap(true, Relaxed) {
            tokio::spawn(self.clone().look());
        }
        InFlight(self.clone())
    }

    /// Has the runtime ask for events again and again, where it would wait for one.
    async fn look(self: Arc<Self>) {
        let (mut steps, mut since) = (self.steps.load(Relaxed), Instant::now());
        while self.in_flight.load(Relaxed) >= FEWEST && since.elapsed() < LONGEST {
            yield_now().await;
            let now = self.steps.load(Relaxed);
            if now != steps {
                (steps, since) = (now, Instant::now());
            }
        }
        self.is_looking.store(false, Relaxed);
    }
}

pub(super) struct InFlight(Arc<Awake>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.steps.fetch_add(1, Relaxed);
    }
}
