//! Accounts, sessions and API tokens.

mod deleted;
mod manage;
mod me;
mod sessions;
mod tags;
mod tokens;
mod types;

use poem_openapi::OpenApi;

use manage::AccountsApi;
use me::MeApi;
use sessions::SessionsApi;
pub use tags::Tags;
use tokens::TokensApi;

use crate::{auth::Throttle, state::AppState};

/// Returns the operations for accounts, sessions and API tokens.
pub fn operations(state: &AppState) -> impl OpenApi + use<> {
    let (database, authenticator) = (&state.database, &state.authenticator);
    let settings = &state.config.accounts;
    let throttle = Throttle::new(authenticator.redis.clone());
    (
        AccountsApi {
            database: database.clone(),
            authenticator: authenticator.clone(),
            throttle: throttle.clone(),
            sign_up: settings.sign_up,
        },
        MeApi {
            database: database.clone(),
            authenticator: authenticator.clone(),
            throttle: throttle.clone(),
        },
        SessionsApi {
            database: database.clone(),
            authenticator: authenticator.clone(),
            throttle,
            lifetime: settings.session_lifetime,
        },
        TokensApi { database: database.clone(), authenticator: authenticator.clone() },
    )
}
