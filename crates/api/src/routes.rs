//! Every route of the server, and the layers around them.

use std::sync::{Arc, LazyLock};

use config::{Config, Profile};
use db::Database;
use poem::{
    EndpointExt, IntoResponse, Response, Route,
    endpoint::{BoxEndpoint, make_sync},
    get,
    http::header,
    web::Html,
};
use poem_openapi::{OpenApi, OpenApiService};

use crate::{
    accounts::{AccountsApi, MeApi},
    audit::AuditApi,
    auth::{Guard, Throttle},
    document,
    health::{HealthApi, Readiness},
    landing::LandingApi,
    metrics::Metrics,
    middleware::{DOCS_POLICY, add_headers, limit, observe},
    paths::Paths,
    persons::{BatchApi, EmailsApi, PersonsApi},
    reload,
    sessions::SessionsApi,
    shared_store::SharedStore,
    tokens::TokensApi,
};

/// The whole server. The outermost layer comes last. Behind one type, so that what serves it is compiled once.
pub(crate) fn app(
    config: &Config,
    database: &Database,
    guard: &Guard,
    readiness: &Readiness,
    metrics: &Metrics,
) -> BoxEndpoint<'static, Response> {
    let service = service(config, database, guard, readiness);
    let (mut route, mut pages) = (Route::new(), Vec::new());
    if config.server.docs {
        let docs = make_sync(|_| {
            Html(DOCS.as_str()).with_header(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)
        });
        let document =
            make_sync(|_| document::published().to_string().with_content_type("application/json"));
        route = route.at("/docs", get(docs)).at("/openapi.json", get(document));
        pages.extend(["/docs", "/openapi.json"]);
    }
    if config.profile != Profile::Production {
        pages.push("/");
        if let Some(folder) = &config.reload_folder {
            route = route
                .at("/reload", get(reload::state(folder)))
                .at("/reload/events", get(reload::events(folder, readiness)));
            pages.extend(["/reload", "/reload/events"]);
        }
    }
    let paths = Arc::new(Paths::new(document::published(), &pages));
    let (limits, metrics) = (config.server.clone(), metrics.clone());
    let is_traced = config.traces.is_some();
    let origins: Arc<[String]> = config.server.cors_origins.clone().into();
    route
        .nest("/", service.data(guard.clone()))
        .around(move |next, request| limit(next, request, limits.clone()))
        .around(move |next, request| paths.clone().apply(next, request))
        .around(move |next, request| observe(next, request, metrics.clone(), is_traced))
        .around(move |next, request| add_headers(next, request, origins.clone()))
        .boxed()
}

/// What is not for the public: served on a port of its own.
pub(crate) fn admin(metrics: &Metrics) -> BoxEndpoint<'static, Response> {
    let metrics = metrics.clone();
    Route::new().at("/metrics", get(make_sync(move |_| metrics.render()))).boxed()
}

/// The OpenAPI document, as JSON.
pub fn spec() -> String {
    format!("{:#}", document::published())
}

/// The documentation page. Swagger UI holds the document as text: the one that is published takes the
/// place of what poem-openapi writes. Made when it is first asked for, since it is large.
static DOCS: LazyLock<String> = LazyLock::new(|| {
    let service = unused();
    service.swagger_ui_html().replace(&service.spec(), &document::published().to_string())
});

/// The document as poem-openapi writes it; `document` corrects it.
pub(crate) fn written() -> String {
    unused().spec()
}

/// The operations, to be described and not to be called.
fn unused() -> OpenApiService<impl OpenApi, ()> {
    // Nothing connects until it is used.
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = Config::from_lookup(&url).expect("the defaults are valid");
    let database = Database::new(&config.database).expect("the URL is valid");
    let guard = Guard::new(database.clone(), false, SharedStore::default());
    service(&config, &database, &guard, &Readiness::default())
}

fn service(
    config: &Config,
    database: &Database,
    guard: &Guard,
    readiness: &Readiness,
) -> OpenApiService<impl OpenApi + use<>, ()> {
    // In the order of the docs page.
    let apis = (resources(config, database, readiness), accounts(config, database, guard));
    OpenApiService::new(apis, "Slipway", env!("CARGO_PKG_VERSION"))
        .description(include_str!("description.md"))
        // The document's own origin: 'Try it out' works wherever it is served from.
        .server("/")
}

/// Who may use the API.
fn accounts(config: &Config, database: &Database, guard: &Guard) -> impl OpenApi + use<> {
    let throttle = Throttle::new(guard.store.clone());
    (
        AccountsApi {
            database: database.clone(),
            guard: guard.clone(),
            throttle: throttle.clone(),
            sign_up: config.accounts.sign_up,
        },
        MeApi { database: database.clone(), guard: guard.clone(), throttle: throttle.clone() },
        SessionsApi {
            database: database.clone(),
            guard: guard.clone(),
            throttle,
            lifetime: config.accounts.session_lifetime,
        },
        TokensApi { database: database.clone(), guard: guard.clone() },
        AuditApi { database: database.clone() },
    )
}

/// What it is there for.
fn resources(config: &Config, database: &Database, readiness: &Readiness) -> impl OpenApi + use<> {
    (
        PersonsApi::new(database),
        BatchApi { database: database.clone() },
        EmailsApi { database: database.clone() },
        HealthApi { database: database.clone(), readiness: readiness.clone() },
        LandingApi::new(config, database.clone()),
    )
}
