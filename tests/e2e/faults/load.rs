//! A steady mixed load. Each client checks that its responses are possible.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::{interval, sleep, timeout};

use crate::harness::{TestApp, problem};

/// The default number of persons on a page.
const PAGE: usize = 20;
/// The timeout of a request. It is far longer than any time limit of the server.
const HANGS: Duration = Duration::from_secs(10);

pub(super) struct Load {
    pub(super) app: TestApp,
    is_over: AtomicBool,
    /// The number of successful responses.
    succeeded: AtomicUsize,
    /// The number of responses with status 503 or 504.
    failed: AtomicUsize,
    /// The number of successful responses since the last failed one.
    succeeded_in_a_row: AtomicUsize,
}

impl Load {
    pub(super) fn new(app: TestApp) -> Self {
        Self {
            app,
            is_over: AtomicBool::new(false),
            succeeded: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            succeeded_in_a_row: AtomicUsize::new(0),
        }
    }

    /// Waits for this many more successful responses.
    pub(super) async fn wait_for_successes(&self, count: usize) {
        reaches(&self.succeeded, count).await;
    }

    /// Waits for this many more responses with status 503 or 504.
    pub(super) async fn wait_for_failures(&self, count: usize) {
        reaches(&self.failed, count).await;
    }

    /// Waits for this many successful responses in a row.
    pub(super) async fn wait_for_recovery(&self, count: usize) {
        self.succeeded_in_a_row.store(0, Relaxed);
        reaches(&self.succeeded_in_a_row, count).await;
    }

    pub(super) fn stop(&self) {
        self.is_over.store(true, Relaxed);
    }

    /// Returns the response if it has one of these statuses, or `None` if the database is unreachable.
    async fn ask(&self, request: RequestBuilder, statuses: &[u16]) -> Option<Response> {
        let response = timeout(HANGS, request.send()).await.expect("a response in time");
        let response = response.expect("a response");
        let status = response.status().as_u16();
        if statuses.contains(&status) {
            self.succeeded.fetch_add(1, Relaxed);
            self.succeeded_in_a_row.fetch_add(1, Relaxed);
            return Some(response);
        }
        assert!([503, 504].contains(&status), "{status}: {}", response.text().await.expect("text"));
        self.failed.fetch_add(1, Relaxed);
        self.succeeded_in_a_row.store(0, Relaxed);
        problem(response, status).await;
        None
    }
}

/// Waits until `counter` has grown by `count`.
async fn reaches(counter: &AtomicUsize, count: usize) {
    let enough = counter.load(Relaxed) + count;
    let wait = async {
        while counter.load(Relaxed) < enough {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(3 * HANGS, wait).await.expect("responses");
}

/// A client that creates persons, and reads and changes its newest person.
pub(super) struct Client {
    load: Arc<Load>,
    /// The prefix of its persons' names.
    prefix: String,
    /// True if the client repeats failed requests with the same Idempotency-Key.
    repeats: bool,
    tried: usize,
    changes: usize,
    created: Vec<String>,
    person: Option<Known>,
}

struct Known {
    id: String,
    name: String,
    /// The last confirmed nickname, and nicknames of failed requests since then, which may have been stored.
    nicknames: Vec<Value>,
}

impl Client {
    pub(super) fn new(load: Arc<Load>, number: usize) -> Self {
        let prefix = format!("client-{number}-");
        let repeats = number.is_multiple_of(2);
        Self { load, prefix, repeats, tried: 0, changes: 0, created: Vec::new(), person: None }
    }

    pub(super) async fn run(mut self) -> Self {
        // The rate is low, so that the other tests have enough processor time.
        let mut ticks = interval(Duration::from_millis(100));
        while !self.load.is_over.load(Relaxed) {
            ticks.tick().await;
            self.create().await;
            self.change().await;
            self.list().await;
        }
        self
    }

    async fn create(&mut self) {
        let name = format!("{}{}", self.prefix, self.tried);
        let body = json!({ "name": name, "emails": ["someone@example.com"] });
        let mut request = self.load.app.post("/persons", &body);
        if self.repeats {
            request = request.header("idempotency-key", format!("key-{name}"));
        }
        let created = self.load.ask(request, &[201]).await;
        if created.is_some() || !self.repeats {
            self.tried += 1;
        }
        let Some(response) = created else { return };
        let person: Value = response.json().await.expect("JSON");
        assert_eq!(person["name"], name);
        let id = person["id"].as_str().expect("a string").to_owned();
        self.created.push(name.clone());
        self.person = Some(Known { id, name, nicknames: vec![Value::Null] });
    }

    async fn change(&mut self) {
        let Some(known) = &mut self.person else { return };
        let path = format!("/persons/{}", known.id);
        let Some(response) = self.load.ask(self.load.app.get(&path), &[200]).await else { return };
        let etag = response.headers()["etag"].clone();
        let person: Value = response.json().await.expect("JSON");
        assert_eq!(person["name"], known.name);
        assert!(known.nicknames.contains(&person["nickname"]), "{person} {:?}", known.nicknames);

        self.changes += 1;
        let nickname = json!(format!("change {}", self.changes));
        let body = json!({ "nickname": nickname });
        let request = self.load.app.request("PATCH", &path).json(&body).header("if-match", etag);
        match self.load.ask(request, &[200, 412]).await {
            Some(response) if response.status() == 200 => known.nicknames = vec![nickname],
            Some(_) => assert!(known.nicknames.len() > 1, "no other client changes the person"),
            None => known.nicknames.push(nickname),
        }
    }

    async fn list(&self) {
        let request = self.load.app.get(&format!("/persons?q={}", self.prefix));
        let Some(response) = self.load.ask(request, &[200]).await else { return };
        let page: Value = response.json().await.expect("JSON");
        let items = page["items"].as_array().expect("a list").iter();
        let names: Vec<_> = items.map(|item| item["name"].as_str().expect("a string")).collect();
        assert!(names.iter().all(|name| name.starts_with(&self.prefix)), "{names:?}");
        // The table may also contain persons whose requests failed. These persons are skipped.
        let is_ours = |name: &&&str| self.created.iter().any(|created| created == *name);
        let found = names.iter().filter(is_ours);
        assert!(found.clone().eq(&self.created[..found.clone().count()]), "{names:?}");
        assert!(names.len() == PAGE || found.count() == self.created.len(), "{names:?}");
    }

    /// Panics unless every created person is stored once, and no person is stored twice.
    pub(super) fn check(&self, stored: &HashMap<String, i64>) {
        for name in &self.created {
            assert_eq!(stored.get(name), Some(&1), "{name}");
        }
        for (name, count) in stored.iter().filter(|(name, _)| name.starts_with(&self.prefix)) {
            assert_eq!(*count, 1, "{name}");
        }
    }
}
