//! Calls that wait at the same moment become one statement.
//!
//! A call that comes alone goes alone, at once. But while the database has enough to do for those who may go
//! together with them, those who come meanwhile gather, and go as soon as some are done, or a moment later where
//! more are likely to come. The busier the server, the fewer statements a call costs. A call never joins a
//! statement that has begun, so it sees whatever was committed before it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::{BoxFuture, join_all};
use tokio::{sync::oneshot, task::yield_now};
use tracing::{Instrument, Level, Span};

use crate::Error;

/// Calls in one statement at most.
const MOST: usize = 100;

/// What becomes of many items at once: as many values, in their order, or an error and nothing done.
type Run<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Result<Vec<V>, Error>> + Send + Sync;

/// Whether two items may go together: then both may also go with whatever one of them may go with.
type Together<K> = fn(&K, &K) -> bool;

/// One kind of call: from `K` to `V`.
pub struct Coalesced<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    /// Of those that could be one, as many statements are at work at once, at most.
    at_once: usize,
    patience: Duration,
    together: Together<K>,
    run: Box<Run<K, V>>,
    queue: Mutex<Queue<K, V>>,
}

struct Queue<K, V> {
    /// Each can go together with one of `flying`.
    waiting: Vec<Call<K, V>>,
    /// An item of each statement that is at work.
    flying: Vec<K>,
}

struct Call<K, V> {
    item: K,
    span: Span,
    caller: oneshot::Sender<Result<V, Error>>,
}

impl<K: Clone + Send + Sync + 'static, V: Send + 'static> Coalesced<K, V> {
    /// Items that may go `together` are run in one statement, of which as many as `at_once` are at work at a time.
    /// After one with several, the next waits until as many have come again, for as long as `patience`: worth it where a
    /// statement costs much, whatever the number of its items. It takes processor time: 0.2 ms are much.
    pub fn new(
        at_once: usize,
        patience: Duration,
        together: Together<K>,
        run: impl Fn(Vec<K>) -> BoxFuture<'static, Result<Vec<V>, Error>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: Vec::new(), flying: Vec::new() });
        Self(Arc::new(Shared { at_once, patience, together, run: Box::new(run), queue }))
    }

    /// The value of `item`. The statement is given up when none of its callers waits any more.
    pub async fn call(&self, item: K) -> Result<V, Error> {
        let (caller, answer) = oneshot::channel();
        // Entering a span costs something, and only traces need it here.
        let is_traced = tracing::span_enabled!(Level::DEBUG);
        let span = if is_traced { Span::current() } else { Span::none() };
        let flight = {
            let mut queue = self.0.queue();
            let flying = queue.flying.iter().filter(|flying| (self.0.together)(flying, &item));
            let flight = (flying.count() < self.0.at_once).then(|| item.clone());
            queue.flying.extend(flight.clone());
            queue.waiting.push(Call { item, span, caller });
            flight
        };
        if let Some(item) = flight {
            tokio::spawn(self.0.clone().fly(item));
        }
        answer.await.map_err(Error::unavailable)?
    }
}

impl<K: Clone, V> Shared<K, V> {
    /// Runs what waits and may go together with `item`, until nothing does. What nobody waits for any more is
    /// given up.
    async fn fly(self: Arc<Self>, item: K) {
        let flight = Flight { shared: &self, item };
        if flight.has_company() {
            // Whoever comes in this moment can come along.
            yield_now().await;
        }
        while let Some(calls) = flight.take() {
            // What they share stands in the trace of the one who has waited longest.
            let span = calls[0].span.clone();
            let (items, mut callers): (Vec<_>, Vec<_>) =
                calls.into_iter().map(|call| (call.item, call.caller)).unzip();
            let values = tokio::select! {
                values = self.values(items).instrument(span) => values,
                _ = join_all(callers.iter_mut().map(oneshot::Sender::closed)) => continue,
            };
            let count = callers.len();
            for (caller, value) in callers.into_iter().zip(values) {
                // A caller that is gone needs nothing.
                let _ = caller.send(value);
            }
            flight.gather(count).await;
        }
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

/// A statement after the other, for those who may go together with `item`.
struct Flight<'a, K: Clone, V> {
    shared: &'a Shared<K, V>,
    item: K,
}

impl<K: Clone, V> Flight<'_, K, V> {
    /// Waits for those who have been answered to come again, unless it was one alone. A timer would have no shorter
    /// time than a millisecond.
    async fn gather(&self, count: usize) {
        let since = Instant::now();
        while count > 1 && since.elapsed() < self.shared.patience && self.waiting() < count {
            yield_now().await;
        }
    }

    /// Whether another statement is at work.
    fn has_company(&self) -> bool {
        self.shared.queue().flying.iter().filter(|item| self.has(item)).count() > 1
    }

    fn waiting(&self) -> usize {
        self.shared.queue().waiting.iter().filter(|call| self.has(&call.item)).count()
    }

    /// Who waits, or the end of the flight.
    fn take(&self) -> Option<Vec<Call<K, V>>> {
        let mut queue = self.shared.queue();
        let ours = queue.waiting.extract_if(.., |call| self.has(&call.item));
        let calls: Vec<_> = ours.take(MOST).collect();
        if calls.is_empty() {
            self.end(&mut queue);
            return None;
        }
        Some(calls)
    }

    /// Whichever it takes away of those that could be one: they stand for the same.
    fn end(&self, queue: &mut Queue<K, V>) {
        if let Some(ours) = queue.flying.iter().position(|item| self.has(item)) {
            queue.flying.swap_remove(ours);
        }
    }

    fn has(&self, item: &K) -> bool {
        (self.shared.together)(&self.item, item)
    }
}

/// Of one that panicked, the callers see that nobody will answer, and the next call begins another.
impl<K: Clone, V> Drop for Flight<'_, K, V> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.shared.queue();
            queue.waiting.retain(|call| !self.has(&call.item));
            self.end(&mut queue);
        }
    }
}
