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
        let database = match settings.external_database() {
            Ok(external) if !state.engine.runs_database() => external.public_url(),
            _ => format!("postgresql://{user}@127.0.0.1:{postgres_port}/{database}"),
        };
        Self { docs: format!("{api}/docs"), api, database: (!is_release).then_some(database) }
    }
}

/// Returns the host name in a URL such as `ssh://you@server:22`.
pub fn host_of(url: &str) -> &str {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    let host = host.rsplit('@').next().unwrap_or(host);
    // An IPv6 address is in brackets, because it contains colons.
    let end = host.find(']').map(|at| at + 1).or_else(|| host.find(':'));
    end.map_or(host, |end| &host[..end])
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn host_of_removes_user_and_port() {
        for (url, host) in [
            ("ssh://server", "server"),
            ("ssh://you@server.example.com", "server.example.com"),
            ("ssh://you@server:2222", "server"),
            ("ssh://you@[2001:db8::1]:2222", "[2001:db8::1]"),
            ("redis://:secret@redis:6379/1", "redis"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
