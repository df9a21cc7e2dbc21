//! The middleware of every route, and the pages that are not operations.

use std::sync::LazyLock;

use config::{Config, Profile, ServerConfig};
use futures_util::future::BoxFuture;
use poem::{
    Endpoint, IntoEndpoint, IntoResponse, Request, Response, Result, Route,
    endpoint::{BoxEndpoint, DynEndpoint, make_sync},
    get,
    http::header,
    web::Html,
};
use poem_openapi::{OpenApi, OpenApiService};
use store::Database;

use crate::{
    auth::Authenticator,
    health::Readiness,
    metrics::Metrics,
    middleware::{DOCS_POLICY, add_headers, limit, log_request},
    openapi,
    paths::Paths,
    redis_client::RedisClient,
    reload,
    state::AppState,
};

/// All operations of an API, as one type: the code that serves them is compiled once, in this crate.
pub struct Service {
    operations: BoxEndpoint<'static, Response>,
    authenticator: Authenticator,
}

impl Service {
    /// Publishes the OpenAPI document of `operations`. The operations with the ids `conflicting` can respond with 409:
    /// they write a unique value, or delete a row that others refer to.
    pub fn new<T: OpenApi + 'static>(
        state: &AppState,
        operations: OpenApiService<T, ()>,
        conflicting: &[&str],
    ) -> Self {
        // A relative URL, so that 'Try it out' works on every host.
        let operations = operations.server("/");
        openapi::publish(&|| operations.spec(), conflicting);
        Self { operations: operations.into_endpoint(), authenticator: state.authenticator.clone() }
    }
}

/// The whole server.
pub(crate) struct App {
    service: Service,
    pages: Pages,
    paths: Paths,
    limits: ServerConfig,
    metrics: Metrics,
    is_traced: bool,
}

impl App {
    pub(crate) fn new(state: &AppState, service: Service, metrics: &Metrics) -> Self {
        let AppState { config, readiness, .. } = state;
        let mut pages = Pages::default();
        if config.server.docs {
            let docs = make_sync(|_| {
                Html(DOCS.as_str()).with_header(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)
            });
            let document =
                make_sync(|_| openapi::published().with_content_type("application/json"));
            pages = pages.at("/docs", docs).at("/openapi.json", document);
        }
        let is_production = config.profile == Profile::Production;
        if let Some(folder) = config.reload_folder.as_ref().filter(|_| !is_production) {
            pages = pages
                .at("/reload", reload::state(folder))
                .at("/reload/events", reload::events(folder, readiness));
        }
        // The landing page is an operation that the document does not list.
        let landing = (!is_production).then_some("/");
        let unlisted: Vec<_> = pages.names.iter().copied().chain(landing).collect();
        Self {
            service,
            paths: Paths::new(&openapi::parsed(), &unlisted),
            pages,
            limits: config.server.clone(),
            metrics: metrics.clone(),
            is_traced: config.traces.is_some(),
        }
    }

    /// Boxed, because each middleware stores the inner future several times.
    fn route(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        // Not `Route::nest`, which rebuilds the URI of every request.
        if self.pages.names.contains(&request.uri().path()) {
            return Box::pin(self.pages.route.call(request));
        }
        request.set_data(self.service.authenticator.clone());
        DynEndpoint::call(&*self.service.operations, request)
    }
}

impl Endpoint for App {
    type Output = Response;

    /// Applies the middleware, from the inside out.
    async fn call(&self, request: Request) -> Result<Response> {
        let limited = |request| limit(request, &self.limits, |request| self.route(request));
        let named = |request| self.paths.apply(request, limited);
        let logged = |request| log_request(request, &self.metrics, self.is_traced, named);
        Ok(add_headers(request, &self.limits.cors_origins, logged).await)
    }
}

/// The pages that are not operations.
#[derive(Default)]
struct Pages {
    route: Route,
    names: Vec<&'static str>,
}

impl Pages {
    fn at<E: IntoEndpoint>(mut self, name: &'static str, page: E) -> Self
    where
        E::Endpoint: 'static,
    {
        self.names.push(name);
        Self { route: self.route.at(name, get(page)), ..self }
    }
}

/// Returns the routes of the admin port, which must not be public.
pub(crate) fn admin(metrics: &Metrics) -> Route {
    let metrics = metrics.clone();
    Route::new().at("/metrics", get(make_sync(move |_| metrics.render())))
}

/// Returns the OpenAPI document of an API as JSON.
pub fn spec(api: fn(&AppState) -> Service) -> String {
    // The pool does not connect before its first use.
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = Config::from_lookup(&url).expect("the defaults are valid");
    let database = Database::new(&config.database).expect("the URL is valid");
    let authenticator = Authenticator::new(database.clone(), false, RedisClient::default());
    api(&AppState { config, database, authenticator, readiness: Readiness::default() });
    format!("{:#}", openapi::parsed())
}

/// The documentation page, rendered at the first request. Swagger UI embeds the document as text, so the published
/// document replaces an empty one.
static DOCS: LazyLock<String> = LazyLock::new(|| {
    let empty = OpenApiService::new((), "", "");
    empty.swagger_ui_html().replace(&empty.spec(), openapi::published())
});
