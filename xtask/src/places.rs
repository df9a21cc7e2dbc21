//! Where the stack is to be found, as `up` and `status` say it.

use crate::{engine::Kind, settings::Settings, state::State};

/// URLs on this machine.
pub(crate) struct Places {
    pub(crate) api: String,
    pub(crate) docs: String,
    /// Without the password; none where no port leads to the database.
    pub(crate) database: Option<String>,
}

impl Places {
    pub(crate) fn of(state: &State, settings: &Settings) -> Self {
        let State { api_port, postgres_port, .. } = *state;
        let Settings { user, database, .. } = settings;
        // There, nginx is the only one with ports.
        let is_release = state.production && state.engine == Kind::Docker;
        let api = if is_release {
            format!("https://localhost:{}", settings.tls_port(api_port))
        } else {
            format!("http://localhost:{api_port}")
        };
        let database = format!("postgresql://{user}@localhost:{postgres_port}/{database}");
        Self { docs: format!("{api}/docs"), api, database: (!is_release).then_some(database) }
    }
}
