//! Every operation of the API.

use web::{About, Api, AppState, Service, accounts};

use crate::{audit::AuditApi, health::HealthApi, landing::LandingApi};

pub(crate) fn service(state: &AppState) -> Service {
    let about = About {
        title: "Slipway",
        version: env!("CARGO_PKG_VERSION"),
        description: include_str!("description.md"),
    };
    Service::new(state, about, apis(state))
}

/// Returns the operations of all domains and of the server itself, in the order of the docs page.
fn apis(state: &AppState) -> Vec<Api> {
    let AppState { config, database, readiness, .. } = state;
    let mut apis = Vec::new();
    apis.extend(people::apis(state));
    apis.extend([
        Api::new(HealthApi { database: database.clone(), readiness: readiness.clone() }),
        Api::new(LandingApi::new(config, database.clone())),
        accounts::operations(state),
        Api::new(AuditApi { database: database.clone() }),
    ]);
    apis
}
