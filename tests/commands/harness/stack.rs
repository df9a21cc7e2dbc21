//! The stack that most scenarios share.

use std::{ops::Deref, process::Command, sync::Mutex};

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Checkout, Engine, ask, run, run::Ran};

/// A running stack. Dereferences to its [`Checkout`].
pub(crate) struct Stack {
    checkout: Checkout,
    /// The output of the first `up`.
    pub(crate) first_up: Ran,
    /// The token of requests.
    token: Mutex<String>,
}

impl Deref for Stack {
    type Target = Checkout;

    fn deref(&self) -> &Checkout {
        &self.checkout
    }
}

impl Stack {
    /// Starts the stack of a fresh copy.
    pub(crate) fn start(engine: Engine) -> Self {
        let mut checkout = Checkout::new(engine);
        checkout.environment.extend(settings_of_a_user(&checkout));
        let first_up = run(&mut checkout.xtask("up")).succeeded();
        Self { checkout, first_up, token: Mutex::default() }
    }

    /// Runs `up` before a scenario, because the scenario before may have left the stack in any state.
    pub(crate) fn make_ready(&self) {
        self.up();
    }

    /// Runs `cargo xtask up`, which must succeed.
    pub(crate) fn up(&self) -> Ran {
        run(&mut self.xtask("up")).succeeded()
    }

    /// Returns the output of `cargo xtask status --json`.
    pub(crate) fn status(&self) -> Value {
        let output = ask(&mut self.xtask("status --json"));
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error} in {output}"))
    }

    /// Returns a URL of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.environment["API_PORT"])
    }

    pub(crate) fn try_get(&self, path: &str) -> reqwest::Result<Response> {
        self.send(&|client| client.get(self.url(path)))
    }

    /// Sends a request with a token. Retries with a new token if the token is not valid.
    pub(crate) fn send(
        &self,
        request: &dyn Fn(&Client) -> RequestBuilder,
    ) -> reqwest::Result<Response> {
        let client = Client::new();
        let response = request(&client).bearer_auth(self.token()).send()?;
        if response.status() != 401 {
            return Ok(response);
        }
        // Creates a token, because this is the first request or `recreate-db` has deleted the old token.
        self.use_token(run(&mut self.xtask("token")).stdout.trim());
        request(&client).bearer_auth(self.token()).send()
    }

    /// Sets the token of further requests.
    pub(crate) fn use_token(&self, token: &str) {
        token.clone_into(&mut self.token.lock().expect("a lock"));
    }

    pub(crate) fn token(&self) -> String {
        self.token.lock().expect("a lock").clone()
    }

    /// Returns the status and body of a page.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let response = self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}"));
        (response.status().as_u16(), response.text().expect("a text"))
    }

    /// Returns the body of a page, which must have status 200.
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
        let response = self.send(&|client| client.post(self.url("/persons")).json(&person));
        let response = response.expect("a response");
        assert_eq!(response.status(), 201, "{:?}", response.text());
    }

    /// Returns the process or container of a service, which changes when the service is replaced.
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

/// Returns a property of a container or image.
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
