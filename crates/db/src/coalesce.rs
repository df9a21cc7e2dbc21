//! Calls that wait at the same moment become one statement.
//!
//! Nobody waits for company: a call that comes alone goes alone. But while the database works for some,
//! those who come meanwhile gather, and go together as soon as it is free. The busier the server, the
//! fewer statements a call costs. A call never joins a statement that has begun, so it sees whatever
//! was committed before it.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::oneshot;
use tracing::{Instrument, Level, Span};

use crate::Error;

/// Calls in one statement at most.
const MOST: usize = 100;

/// What becomes of many items at once: as many values, in their order, or an error and nothing done.
type Run<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Result<Vec<V>, Error>> + Send + Sync;

/// Whether two items may go together.
type Together<K> = fn(&K, &K) -> bool;

/// One kind of call: from `K` to `V`.
pub(crate) struct Coalesced<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    together: Together<K>,
    run: Box<Run<K, V>>,
    queue: Mutex<Queue<K, V>>,
}

struct Queue<K, V> {
    waiting: Vec<Call<K, V>>,
    /// One statement of a kind at a time: two or four at once were slower.
    is_flying: bool,
}

struct Call<K, V> {
    item: K,
    span: Span,
    caller: oneshot::Sender<Result<V, Error>>,
}

impl<K: Clone + Send + 'static, V: Send + 'static> Coalesced<K, V> {
    pub(crate) fn new(
        together: Together<K>,
        run: impl Fn(Vec<K>) -> BoxFuture<'static, Result<Vec<V>, Error>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: Vec::new(), is_flying: false });
        Self(Arc::new(Shared { together, run: Box::new(run), queue }))
    }

    /// The value of `item`. The statement is given up when none of its callers waits any more.
    pub(crate) async fn call(&self, item: K) -> Result<V, Error> {
        let (caller, answer) = oneshot::channel();
        // Entering a span costs something, and only traces need it here.
        let is_traced = tracing::span_enabled!(Level::DEBUG);
        let span = if is_traced { Span::current() } else { Span::none() };
        let begins = {
            let mut queue = self.0.queue();
            queue.waiting.push(Call { item, span, caller });
            !mem::replace(&mut queue.is_flying, true)
        };
        if begins {
            tokio::spawn(self.0.clone().fly());
        }
        answer.await.map_err(Error::unavailable)?
    }
}

impl<K: Clone, V> Shared<K, V> {
    /// Runs what waits, until nothing does. What nobody waits for any more is given up.
    async fn fly(self: Arc<Self>) {
        let _crash = Crash(&self);
        while let Some(calls) = self.take() {
            // What they share stands in the trace of the one who has waited longest.
            let span = calls[0].span.clone();
            let (items, mut callers): (Vec<_>, Vec<_>) =
                calls.into_iter().map(|call| (call.item, call.caller)).unzip();
            let values = tokio::select! {
                values = self.values(items).instrument(span) => values,
                _ = join_all(callers.iter_mut().map(oneshot::Sender::closed)) => continue,
            };
            for (caller, value) in callers.into_iter().zip(values) {
                // A caller that is gone needs nothing.
                let _ = caller.send(value);
            }
        }
    }

    /// What waits, or the end of the flight.
    fn take(&self) -> Option<Vec<Call<K, V>>> {
        let mut queue = self.queue();
        let mut waiting = mem::take(&mut queue.waiting).into_iter();
        let Some(first) = waiting.next() else {
            queue.is_flying = false;
            return None;
        };
        let mut calls = vec![first];
        for call in waiting {
            if calls.len() < MOST && (self.together)(&calls[0].item, &call.item) {
                calls.push(call);
            } else {
                queue.waiting.push(call);
            }
        }
        Some(calls)
    }

    async fn values(&self, items: Vec<K>) -> Vec<Result<V, Error>> {
        let error = match (self.run)(items.clone()).await {
            Ok(values) => return values.into_iter().map(Ok).collect(),
            Err(error) => error,
        };
        let mut values = Vec::with_capacity(items.len());
        if items.len() == 1 || error.is_outage() {
            // After an outage nobody knows what the database did: nothing is done twice.
            values.resize_with(items.len(), || Err(error.clone()));
            return values;
        }
        // What is wrong with one must not be the others' error.
        for item in items {
            let one = (self.run)(vec![item]).await;
            values.push(one.map(|mut one| one.pop().expect("as many values as items")));
        }
        values
    }

    fn queue(&self) -> MutexGuard<'_, Queue<K, V>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a flight that panicked as ended; its callers see that nobody will answer.
struct Crash<'a, K: Clone, V>(&'a Shared<K, V>);

impl<K: Clone, V> Drop for Crash<'_, K, V> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue().is_flying = false;
        }
    }
}
