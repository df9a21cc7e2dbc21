//! The stack that most scenarios share, and how they look at it.

use std::{ops::Deref, process::Command, sync::Mutex};

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Checkout, Engine, ask, run, run::Ran};

/// A stack that is up. It is a [`Checkout`] with a little more.
pub(crate) struct Stack {
    checkout: Checkout,
    /// What the very first `up` said.
    pub(crate) first_up: Ran,
    /// What requests carry.
    token: Mutex<String>,
}

impl Deref for Stack {
    type Target = Checkout;

    fn deref(&self) -> &Checkout {
        &self.checkout
    }
}

impl Stack {
    /// Brings up the stack of a fresh copy.
    pub(crate) fn start(engine: Engine) -> Self {
        let mut checkout = Checkout::new(engine);
        checkout.environment.extend(settings_of_a_user(&checkout));
        let first_up = run(&mut checkout.xtask("up")).succeeded();
        Self { checkout, first_up, token: Mutex::default() }
    }

    /// Brings it up again, whatever the scenario before has left.
    pub(crate) fn make_ready(&self) {
        self.up();
    }

    /// `cargo xtask up`, which must succeed.
    pub(crate) fn up(&self) -> Ran {
        run(&mut self.xtask("up")).succeeded()
    }

    /// `cargo xtask status --json`.
    pub(crate) fn status(&self) -> Value {
        let answer = ask(&mut self.xtask("status --json"));
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error} in {answer}"))
    }

    /// A URL of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.environment["API_PORT"])
    }

    pub(crate) fn try_get(&self, path: &str) -> reqwest::Result<Response> {
        self.send(&|client| client.get(self.url(path)))
    }

    /// Sends a request with a token, and once more with a new one if that is not valid any more.
    pub(crate) fn send(
        &self,
        request: &dyn Fn(&Client) -> RequestBuilder,
    ) -> reqwest::Result<Response> {
        let client = Client::new();
        let answer = request(&client).bearer_auth(self.token()).send()?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        // It is the first request, or `recreate-db` has dropped the token with all else.
        self.use_token(run(&mut self.xtask("token")).stdout.trim());
        request(&client).bearer_auth(self.token()).send()
    }

    /// Has further requests carry this token.
    pub(crate) fn use_token(&self, token: &str) {
        token.clone_into(&mut self.token.lock().expect("nobody panics with it"));
    }

    pub(crate) fn token(&self) -> String {
        self.token.lock().expect("nobody panics with it").clone()
    }

    /// The status and the body of a page.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let answer = self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}"));
        (answer.status().as_u16(), answer.text().expect("a text"))
    }

    /// The page's body, which must come with 200.
    pub(crate) fn page(&self, path: &str) -> String {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn has_person(&self, name: &str) -> bool {
        self.page(&format!("/persons?q={}", name.replace(' ', "+"))).contains(name)
    }

    pub(crate) fn create_person(&self, name: &str) {
        let email = format!("{}@example.com", name.replace(' ', "."));
        let person = json!({ "name": name, "emails": [email] });
        let answer = self.send(&|client| client.post(self.url("/persons")).json(&person));
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 201, "{:?}", answer.text());
    }

    /// What tells the running service from one that took its place: its process or container.
    pub(crate) fn identity(&self, service: &str) -> String {
        match (self.engine, service) {
            (Engine::Docker, _) => {
                let project = self.variable("COMPOSE_PROJECT_NAME");
                let container = format!("{project}-{service}-1");
                docker_inspect(&container, "{{.Id}} {{.State.StartedAt}}")
            }
            (Engine::Local, "api") => {
                let state: Value = serde_json::from_str(&self.read(".slipway/state.json"))
                    .expect("the state is JSON");
                state["api"]["pid"].to_string()
            }
            (Engine::Local, _) => {
                let file = self.read(".slipway/postgres/data/postmaster.pid");
                file.lines().next().expect("a process").to_owned()
            }
        }
    }
}

/// A property of a container or an image.
pub(crate) fn docker_inspect(name: &str, format: &str) -> String {
    ask(Command::new("docker").args(["inspect", "--format", format, name]))
}

/// Settings for other work, such as people have in their shells. No command may take notice of them.
fn settings_of_a_user(checkout: &Checkout) -> [(&'static str, String); 7] {
    let psqlrc = checkout.root.with_file_name("psqlrc");
    std::fs::write(&psqlrc, "\\timing on\n\\set ON_ERROR_STOP off\n").expect("a file");
    [
        ("PSQLRC", psqlrc.to_string_lossy().into_owned()),
        ("PGHOST", "nowhere.invalid".to_owned()),
        ("PGDATABASE", "other".to_owned()),
        ("PGOPTIONS", "-c default_transaction_read_only=on".to_owned()),
        ("PGSSLMODE", "require".to_owned()),
        ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown".to_owned()),
        ("NODE_ENV", "production".to_owned()),
    ]
}
