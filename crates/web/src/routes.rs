//! The middleware of every route, and the pages that are not operations.

use std::sync::LazyLock;

use chrono::{SecondsFormat, TimeDelta, Utc};
use config::{Config, Profile, ServerConfig};
use futures_util::future::BoxFuture;
use poem::{
    Endpoint, IntoEndpoint, IntoResponse, Request, Response, Result, Route,
    endpoint::{BoxEndpoint, DynEndpoint, make_sync},
    get,
    http::{HeaderValue, Uri, header},
    web::Html,
};
use poem_openapi::OpenApiService;
use serde_json::Value;
use store::Database;

use crate::{
    apis::{Api, Apis},
    auth::{
        Authenticator,
        rate_limits::{RateLimits, Usage},
    },
    bodies::Bodies,
    health::Readiness,
    metrics::Metrics,
    middleware::{DOCS_POLICY, add_headers, limit_time, log_request, reject_ambiguous},
    openapi,
    paths::Paths,
    query, recent_requests,
    redis_client::RedisClient,
    reload,
    resource::NextPage,
    state::AppState,
    telemetry,
};

/// The title, version and description in the OpenAPI document.
#[derive(Clone, Copy)]
pub struct About {
    /// The name of the API.
    pub title: &'static str,
    /// The version of the API.
    pub version: &'static str,
    /// A description in Markdown.
    pub description: &'static str,
}

/// All operations of an API as one type, so that the code that serves them is compiled only once, in this crate.
pub struct Service {
    operations: BoxEndpoint<'static, Response>,
    authenticator: Authenticator,
}

impl Service {
    /// Publishes the OpenAPI document of `apis`.
    pub fn new(state: &AppState, about: About, apis: Vec<Api>) -> Self {
        let operations = OpenApiService::new(Apis::new(apis), about.title, about.version)
            .description(about.description);
        // The URL is relative, so that 'Try it out' in the docs works on every host.
        let operations = operations.server("/");
        openapi::publish(&|| operations.spec());
        Self { operations: operations.into_endpoint(), authenticator: state.authenticator.clone() }
    }
}

/// The whole server.
pub(crate) struct App {
    service: Service,
    pages: Pages,
    paths: Paths,
    limits: ServerConfig,
    bodies: Bodies,
    rate_limits: RateLimits,
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
        if let Some(contact) = config.server.security_contact.clone() {
            let page = make_sync(move |_| security_txt(&contact).with_content_type("text/plain"));
            pages = pages.at("/.well-known/security.txt", page);
        }
        let is_production = config.profile == Profile::Production;
        if let Some(folder) = config.reload_folder.as_ref().filter(|_| !is_production) {
            pages = pages
                .at("/reload", reload::state(folder))
                .at("/reload/events", reload::events(folder, readiness));
        }
        if config.profile == Profile::Dev {
            pages = pages.at("/dev/requests", recent_requests::page());
        }
        // The landing page `/` is served like an operation, but the OpenAPI document does not list it.
        let landing = (!is_production).then_some("/");
        let unlisted: Vec<_> = pages.names.iter().copied().chain(landing).collect();
        Self {
            service,
            paths: Paths::new(&openapi::methods(), &unlisted),
            pages,
            limits: config.server.clone(),
            bodies: Bodies::new(&config.server, &state.authenticator),
            rate_limits: RateLimits::new(&config.server, state.authenticator.redis.clone()),
            metrics: metrics.clone(),
            is_traced: telemetry::needs_spans(config),
        }
    }

    /// Handles a request without the middleware. The future is boxed, because each middleware copies it several times.
    fn route(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        // Pages are selected here instead of by `Route::nest`, which rebuilds the URI of every request.
        if self.pages.names.contains(&request.uri().path()) {
            return Box::pin(self.pages.route.call(request));
        }
        if let Err(error) = query::check(&request, &self.paths) {
            return Box::pin(async { Err(error.into()) });
        }
        request.set_data(self.service.authenticator.clone());
        let url = request.uri().clone();
        let response = DynEndpoint::call(&*self.service.operations, request);
        Box::pin(async move { response.await.map(|response| add_next_link(response, &url)) })
    }
}

impl Endpoint for App {
    type Output = Response;

    /// Applies the middleware, from the inside out.
    async fn call(&self, request: Request) -> Result<Response> {
        let route = |request| self.route(request);
        let timed = |request| limit_time(request, self.limits.request_timeout, route);
        let read = |request| self.bodies.read(request, &self.paths, timed);
        let usage = self.rate_limits.count(&request, &self.service.authenticator).await;
        let admitted = async |request| {
            usage.as_ref().map_or(Ok(()), Usage::check)?;
            reject_ambiguous(&request)?;
            read(request).await
        };
        let named = |request| self.paths.apply(request, admitted);
        let logged = |request| log_request(request, &self.metrics, self.is_traced, named);
        let mut response = add_headers(request, &self.limits.cors_origins, logged).await;
        if let Some(usage) = &usage {
            usage.add_headers(response.headers_mut());
        }
        Ok(response)
    }
}

/// Adds the `Link` header with the URL of the next page, if the response is a page and has a next page.
fn add_next_link(mut response: Response, url: &Uri) -> Response {
    if let Some(NextPage(next)) = response.extensions().get() {
        let kept = url.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: String = kept.flat_map(|pair| [pair, "&"]).collect();
        let link = format!("<{}?{query}cursor={next}>; rel=\"next\"", url.path());
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    response
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
    // The database need not exist, because the pool does not connect before its first use.
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = Config::from_lookup(&url).expect("the defaults are valid");
    let database = Database::new(&config.database).expect("the URL is valid");
    let authenticator = Authenticator::new(database.clone(), false, RedisClient::default());
    api(&AppState { config, database, authenticator, readiness: Readiness::default() });
    let document: Value = serde_json::from_str(openapi::published()).expect("the document is JSON");
    format!("{document:#}")
}

/// The documentation page, rendered at the first request. Swagger UI embeds the OpenAPI document as text, so the page
/// is created with an empty document, which is then replaced by the published document.
static DOCS: LazyLock<String> = LazyLock::new(|| {
    let empty = OpenApiService::new((), "", "");
    empty.swagger_ui_html().replace(&empty.spec(), openapi::published())
});

/// Returns the page with the contact for reports of vulnerabilities (RFC 9116).
fn security_txt(contact: &str) -> String {
    // The standard requires a time at which the page is outdated. The page is created for each request.
    let expires = (Utc::now() + TimeDelta::days(30)).to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("Contact: {contact}\nExpires: {expires}\n")
}
