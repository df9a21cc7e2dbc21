//! The state that all operations share.

use config::Config;
use store::Database;

use crate::{auth::Authenticator, health::Readiness};

/// The state that all operations share.
pub struct AppState {
    /// The settings.
    pub config: Config,
    /// The database.
    pub database: Database,
    /// Verifies the tokens of requests.
    pub authenticator: Authenticator,
    /// The readiness of the server, which ends when the server is asked to stop.
    pub readiness: Readiness,
}
