//! Every operation of the API.

use poem_openapi::{OpenApi, OpenApiService};
use web::{AppState, Service, accounts};

use crate::{
    audit::AuditApi,
    health::HealthApi,
    landing::LandingApi,
    persons::{BatchApi, EmailsApi, PersonsApi},
};

/// The operations that store something of which there may be only one, or delete what others need: 409 is among
/// their answers.
const CONFLICTING: &[&str] =
    &["createPerson", "createPersons", "replacePerson", "updatePerson", "addEmail"];

pub(crate) fn service(state: &AppState) -> Service {
    // In the order of the docs page.
    let audit = AuditApi { database: state.database.clone() };
    let apis = (resources(state), accounts::operations(state), audit);
    let service = OpenApiService::new(apis, "Slipway", env!("CARGO_PKG_VERSION"))
        .description(include_str!("description.md"));
    Service::new(state, service, CONFLICTING)
}

/// What the API is there for.
fn resources(state: &AppState) -> impl OpenApi + use<> {
    let AppState { config, database, readiness, .. } = state;
    (
        PersonsApi::new(database),
        BatchApi { database: database.clone() },
        EmailsApi { database: database.clone() },
        HealthApi { database: database.clone(), readiness: readiness.clone() },
        LandingApi::new(config, database.clone()),
    )
}
