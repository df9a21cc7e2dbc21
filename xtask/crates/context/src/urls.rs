//! The URLs of the stack on this machine.

use crate::{engine_kind::EngineKind, settings::Settings, state::State};

/// The URLs of the stack.
pub struct Urls {
    /// The API.
    pub api: String,
    /// The documentation page.
    pub docs: String,
    /// The database, without the password. `None` if its port is not published.
    pub database: Option<String>,
}

impl Urls {
    /// Returns the URLs of the stack in this state.
    pub fn of(state: &State, settings: &Settings) -> Self {
        let State { api_port, postgres_port, .. } = *state;
        let Settings { user, database, .. } = settings;
        // In production on Docker, only nginx publishes ports.
        let is_release = state.production && state.engine == EngineKind::Docker;
        let api = if is_release {
            format!("https://localhost:{}", settings.tls_port(api_port))
        } else {
            format!("http://localhost:{api_port}")
        };
        // PostgreSQL listens only on this address, and some clients resolve `localhost` to ::1.
        let database = format!("postgresql://{user}@127.0.0.1:{postgres_port}/{database}");
        Self { docs: format!("{api}/docs"), api, database: (!is_release).then_some(database) }
    }
}
