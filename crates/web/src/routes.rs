//! The layers around every route, and what is served beside the operations.

use std::sync::{Arc, LazyLock};

use config::{Config, Profile};
use poem::{
    EndpointExt, IntoEndpoint, IntoResponse, Response, Route,
    endpoint::{BoxEndpoint, make_sync},
    get,
    http::header,
    web::Html,
};
use poem_openapi::{OpenApi, OpenApiService};
use store::Database;

use crate::{
    auth::Guard,
    document,
    health::Readiness,
    metrics::Metrics,
    middleware::{DOCS_POLICY, add_headers, limit, observe},
    paths::Paths,
    reload,
    shared_store::SharedStore,
};

/// What operations are made of.
pub struct Foundation {
    /// The settings.
    pub config: Config,
    /// Where the data is.
    pub database: Database,
    /// Who may call.
    pub guard: Guard,
    /// Whether the server takes work.
    pub readiness: Readiness,
}

/// All operations, behind one type, so that what serves them is compiled once, here.
pub struct Service(BoxEndpoint<'static, Response>);

impl Service {
    /// Publishes the document of `operations`, in which those with the ids `conflicting` may end with 409: they store
    /// something of which there may be only one, or delete what others need.
    pub fn new<T: OpenApi + 'static>(
        foundation: &Foundation,
        operations: OpenApiService<T, ()>,
        conflicting: &[&str],
    ) -> Self {
        // The document's own origin: 'Try it out' works wherever it is served from.
        let operations = operations.server("/");
        document::publish(&|| operations.spec(), conflicting);
        let endpoint = operations.into_endpoint().data(foundation.guard.clone());
        Self(endpoint.map_to_response().boxed())
    }
}

/// The whole server. The outermost layer comes last. Each is boxed, or the future of a request would double with each:
/// it had 100 KB.
pub(crate) fn app(
    foundation: &Foundation,
    service: Service,
    metrics: &Metrics,
) -> BoxEndpoint<'static, Response> {
    let Foundation { config, readiness, .. } = foundation;
    let (mut route, mut pages) = (Route::new(), Vec::new());
    if config.server.docs {
        let docs = make_sync(|_| {
            Html(DOCS.as_str()).with_header(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)
        });
        let document = make_sync(|_| document::published().with_content_type("application/json"));
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
    let paths = Arc::new(Paths::new(&document::parsed(), &pages));
    let (limits, metrics) = (Arc::new(config.server.clone()), metrics.clone());
    let is_traced = config.traces.is_some();
    let origins: Arc<[String]> = config.server.cors_origins.clone().into();
    route
        .nest("/", service.0)
        .around(move |next, request| limit(next, request, limits.clone()))
        .boxed()
        .around(move |next, request| paths.clone().apply(next, request))
        .boxed()
        .around(move |next, request| observe(next, request, metrics.clone(), is_traced))
        .boxed()
        .around(move |next, request| add_headers(next, request, origins.clone()))
        .boxed()
}

/// What is not for the public: served on a port of its own.
pub(crate) fn admin(metrics: &Metrics) -> BoxEndpoint<'static, Response> {
    let metrics = metrics.clone();
    Route::new().at("/metrics", get(make_sync(move |_| metrics.render()))).boxed()
}

/// The OpenAPI document of an API that is made on its foundation, as JSON.
pub fn spec(api: fn(&Foundation) -> Service) -> String {
    // Nothing connects until it is used.
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = Config::from_lookup(&url).expect("the defaults are valid");
    let database = Database::new(&config.database).expect("the URL is valid");
    let guard = Guard::new(database.clone(), false, SharedStore::default());
    api(&Foundation { config, database, guard, readiness: Readiness::default() });
    format!("{:#}", document::parsed())
}

/// The documentation page. Swagger UI holds the document as text: the one that is published takes the place of one
/// without operations. Made when it is first asked for, since it is large.
static DOCS: LazyLock<String> = LazyLock::new(|| {
    let empty = OpenApiService::new((), "", "");
    empty.swagger_ui_html().replace(&empty.spec(), document::published())
});
