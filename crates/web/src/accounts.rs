//! Accounts, sessions and API tokens.

mod deleted;
mod manage;
mod me;
mod sessions;
mod tags;
mod tokens;
mod types;

use manage::AccountsApi;
use me::MeApi;
use sessions::SessionsApi;
pub use tags::Tags;
use tokens::TokensApi;

use crate::{Api, auth::Throttle, state::AppState};

/// Returns the operations for accounts, sessions and API tokens.
pub fn operations(state: &AppState) -> Api {
    let (database, authenticator) = (&state.database, &state.authenticator);
    let settings = &state.config.accounts;
    let throttle = Throttle::new(authenticator.redis.clone());
    Api::new((
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
    ))
}
