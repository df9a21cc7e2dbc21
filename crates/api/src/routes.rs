//! Every route of the server, and the layers around them.

use config::Config;
use db::Pool;
use poem::{Endpoint, EndpointExt, Response, Route, middleware::CatchPanic};
use poem_openapi::{OpenApi, OpenApiService};

use crate::{
    error,
    health::HealthApi,
    landing::LandingApi,
    middleware::{limit, observe},
    persons::PersonsApi,
};

/// The whole server. The outermost layer comes last.
pub(crate) fn app(config: &Config, pool: &Pool) -> impl Endpoint<Output = Response> + 'static {
    let service = service(config, pool);
    let mut route = Route::new();
    if config.server.docs {
        route =
            route.nest("/docs", service.swagger_ui()).at("/openapi.json", service.spec_endpoint());
    }
    let limits = config.server.clone();
    route
        .nest("/", service)
        .around(move |next, request| limit(next, request, limits.clone()))
        .with(CatchPanic::new().with_handler(error::panicked))
        .around(observe)
}

/// The `OpenAPI` document as JSON.
pub fn spec() -> String {
    // A pool connects only when it is used, and the document does not use it.
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = Config::from_lookup(&url).expect("the defaults are valid");
    service(&config, &db::pool(&config.database).expect("the URL is valid")).spec()
}

fn service(config: &Config, pool: &Pool) -> OpenApiService<impl OpenApi + use<>, ()> {
    let apis = (
        PersonsApi { pool: pool.clone() },
        HealthApi { pool: pool.clone() },
        LandingApi::new(config, pool.clone()),
    );
    OpenApiService::new(apis, "Slipway", env!("CARGO_PKG_VERSION"))
        .description(include_str!("description.md"))
        // The document's own origin: 'Try it out' works wherever it is served from.
        .server("/")
}
