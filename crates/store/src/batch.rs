//! Batching: calls that wait at the same time share one query (the DataLoader pattern).
//!
//! A call runs immediately if fewer than the maximum number of batches are running. Otherwise, calls wait and form the
//! next batch, so a busy server needs fewer queries per call. A call never joins a batch that has started, so the call
//! sees all rows that were committed before it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::oneshot;
use tracing::{Instrument, Level, Span};

use crate::Error;

/// The maximum number of calls in a batch.
const MAX_BATCH: usize = 100;

/// Runs a batch: returns a value for each item, in the same order, or an error if nothing was done.
type Run<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Result<Vec<V>, Error>> + Send + Sync;

/// Batches calls. Each call passes an item of type `K` and gets a value of type `V`.
pub struct Batcher<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    max_running: usize,
    run: Box<Run<K, V>>,
    queue: Mutex<Queue<K, V>>,
}

struct Queue<K, V> {
    waiting: Vec<Call<K, V>>,
    /// The number of batches that are running.
    running: usize,
}

struct Call<K, V> {
    item: K,
    span: Span,
    caller: oneshot::Sender<Result<V, Error>>,
}

impl<K: Clone + Send + Sync + 'static, V: Send + 'static> Batcher<K, V> {
    /// Creates a batcher that has at most `max_running` batches in the database at a time.
    pub fn new(
        max_running: usize,
        run: impl Fn(Vec<K>) -> BoxFuture<'static, Result<Vec<V>, Error>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: Vec::new(), running: 0 });
        Self(Arc::new(Inner { max_running, run: Box::new(run), queue }))
    }

    /// Returns the value of `item`. A batch is cancelled if all its callers were cancelled.
    ///
    /// # Errors
    /// Returns the error of the query. If a batch fails because of one item, the batch runs again item by item, so that
    /// the other callers do not get this error.
    pub async fn call(&self, item: K) -> Result<V, Error> {
        let (caller, response) = oneshot::channel();
        // The span is needed only if traces are recorded. Otherwise an empty span saves time.
        let is_traced = tracing::span_enabled!(Level::DEBUG);
        let span = if is_traced { Span::current() } else { Span::none() };
        let starts = {
            let mut queue = self.0.queue();
            queue.waiting.push(Call { item, span, caller });
            let starts = queue.running < self.0.max_running;
            queue.running += usize::from(starts);
            starts
        };
        if starts {
            tokio::spawn(self.0.clone().run_batches());
        }
        response.await.map_err(Error::unavailable)?
    }
}

impl<K: Clone, V> Inner<K, V> {
    /// Runs batches until no call waits.
    async fn run_batches(self: Arc<Self>) {
        let runner = Runner(&self);
        while let Some(calls) = runner.take() {
            // A query can belong to only one trace, so it appears in the trace of the first caller.
            let span = calls[0].span.clone();
            let (items, mut callers): (Vec<_>, Vec<_>) =
                calls.into_iter().map(|call| (call.item, call.caller)).unzip();
            let values = tokio::select! {
                values = self.values(items).instrument(span) => values,
                _ = join_all(callers.iter_mut().map(oneshot::Sender::closed)) => continue,
            };
            for (caller, value) in callers.into_iter().zip(values) {
                // `send` fails if the caller was cancelled. This error is ignored.
                let _ = caller.send(value);
            }
        }
    }

    async fn values(&self, items: Vec<K>) -> Vec<Result<V, Error>> {
        let error = match (self.run)(items.clone()).await {
            Ok(values) => return values.into_iter().map(Ok).collect(),
            Err(error) => error,
        };
        let mut values = Vec::with_capacity(items.len());
        if items.len() == 1 || error.is_outage() {
            // After an outage, it is unknown if the items were committed, so they must not run again.
            values.resize_with(items.len(), || Err(error.clone()));
            return values;
        }
        for item in items {
            let one = (self.run)(vec![item]).await;
            values.push(one.map(|mut one| one.pop().expect("a value for each item")));
        }
        values
    }

    fn queue(&self) -> MutexGuard<'_, Queue<K, V>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs batches until no call waits. Counts as one running batch.
struct Runner<'a, K, V>(&'a Inner<K, V>);

impl<K, V> Runner<'_, K, V> {
    /// Takes the calls of the next batch, or ends the runner if none wait.
    fn take(&self) -> Option<Vec<Call<K, V>>> {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.is_empty() {
            queue.running -= 1;
            return None;
        }
        let count = queue.waiting.len().min(MAX_BATCH);
        Some(queue.waiting.drain(..count).collect())
    }
}

/// Removes a runner that panicked, so that waiting callers get an error and the next call starts a new runner.
impl<K, V> Drop for Runner<'_, K, V> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.waiting.clear();
            queue.running -= 1;
        }
    }
}
