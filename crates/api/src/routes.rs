//! Every route of the server, and the layers around them.

use config::Config;
use db::Pool;
use poem::{
    Endpoint, EndpointExt, IntoResponse, Response, Route, endpoint::make_sync,
    middleware::CatchPanic, web::Html,
};
use poem_openapi::{OpenApi, OpenApiService};

use crate::{
    document, error,
    health::HealthApi,
    landing::LandingApi,
    middleware::{limit, observe},
    persons::{BatchApi, EmailsApi, PersonsApi},
};

/// The whole server. The outermost layer comes last.
pub(crate) fn app(config: &Config, pool: &Pool) -> impl Endpoint<Output = Response> + 'static {
    let service = service(config, pool);
    let mut route = Route::new();
    if config.server.docs {
        // Swagger UI holds the document as text: the one that is published takes its place.
        let document = document::published().to_string();
        let docs = service.swagger_ui_html().replace(&service.spec(), &document);
        route = route
            .at("/docs", make_sync(move |_| Html(docs.clone())))
            .at("/openapi.json", make_sync(move |_| document.clone().with_content_type("application/json")));
    }
    let limits = config.server.clone();
    route
        .nest("/", service)
        .around(move |next, request| limit(next, request, limits.clone()))
        .with(CatchPanic::new().with_handler(error::panicked))
        .around(observe)
}

/// The OpenAPI document, as JSON.
pub fn spec() -> String {
    format!("{:#}", document::published())
}

/// The document as poem-openapi writes it; `document` corrects it.
pub(crate) fn written() -> String {
    // A pool connects only when it is used, and the document does not use it.
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = Config::from_lookup(&url).expect("the defaults are valid");
    service(&config, &db::pool(&config.database).expect("the URL is valid")).spec()
}

fn service(config: &Config, pool: &Pool) -> OpenApiService<impl OpenApi + use<>, ()> {
    let apis = (
        PersonsApi { pool: pool.clone() },
        BatchApi { pool: pool.clone() },
        EmailsApi { pool: pool.clone() },
        HealthApi { pool: pool.clone() },
        LandingApi::new(config, pool.clone()),
    );
    OpenApiService::new(apis, "Slipway", env!("CARGO_PKG_VERSION"))
        .description(include_str!("description.md"))
        // The document's own origin: 'Try it out' works wherever it is served from.
        .server("/")
}
