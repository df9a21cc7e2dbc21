//! The layers around every route, and what is served beside the operations.

use std::sync::LazyLock;

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
use store::Database;

use crate::{
    apis::{Api, Apis},
    auth::Guard,
    document,
    health::Readiness,
    metrics::Metrics,
    middleware::{DOCS_POLICY, add_headers, limit, observe},
    paths::Paths,
    reload,
    resource::NextPage,
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

/// What the document says of the API as a whole.
#[derive(Clone, Copy)]
pub struct About {
    /// What it is called.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it is for, in Markdown.
    pub description: &'static str,
}

/// All operations, behind one type, so that what serves them is compiled once, here.
pub struct Service {
    operations: BoxEndpoint<'static, Response>,
    guard: Guard,
}

impl Service {
    /// Publishes the document of `operations`, in which those with the ids `conflicting` may end with 409: they store
    /// something of which there may be only one, or delete what others need.
    pub fn new(
        foundation: &Foundation,
        about: About,
        apis: Vec<Api>,
        conflicting: &[&str],
    ) -> Self {
        let operations = OpenApiService::new(Apis::new(apis), about.title, about.version)
            .description(about.description);
        // The document's own origin: 'Try it out' works wherever it is served from.
        let operations = operations.server("/");
        document::publish(&|| operations.spec(), conflicting);
        Self { operations: operations.into_endpoint(), guard: foundation.guard.clone() }
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
    pub(crate) fn new(foundation: &Foundation, service: Service, metrics: &Metrics) -> Self {
        let Foundation { config, readiness, .. } = foundation;
        let mut pages = Pages::default();
        if config.server.docs {
            let docs = make_sync(|_| {
                Html(DOCS.as_str()).with_header(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)
            });
            let document =
                make_sync(|_| document::published().with_content_type("application/json"));
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
            paths: Paths::new(&document::parsed(), &unlisted),
            pages,
            limits: config.server.clone(),
            metrics: metrics.clone(),
            is_traced: config.traces.is_some(),
        }
    }

    /// A box, since the layers around it are as large as what they hold, several times over.
    fn route(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        // Not `Route::nest`, which takes the address of each request apart and puts it together anew.
        if self.pages.names.contains(&request.uri().path()) {
            return Box::pin(self.pages.route.call(request));
        }
        request.set_data(self.service.guard.clone());
        let url = request.uri().clone();
        let response = DynEndpoint::call(&*self.service.operations, request);
        Box::pin(async move { response.await.map(|response| add_next_link(response, &url)) })
    }
}

impl Endpoint for App {
    type Output = Response;

    /// The layers, from the inside out.
    async fn call(&self, request: Request) -> Result<Response> {
        let limited = |request| limit(request, &self.limits, |request| self.route(request));
        let named = |request| self.paths.apply(request, limited);
        let observed = |request| observe(request, &self.metrics, self.is_traced, named);
        Ok(add_headers(request, &self.limits.cors_origins, observed).await)
    }
}

/// Adds the `Link` header with the URL of the next page, if the response is a page that has one.
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

/// What is served beside the operations.
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

/// What is not for the public: served on a port of its own.
pub(crate) fn admin(metrics: &Metrics) -> Route {
    let metrics = metrics.clone();
    Route::new().at("/metrics", get(make_sync(move |_| metrics.render())))
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
