//! The landing page at `/`, which shows developers the state of the API. Not served in production.

use config::{Config, Profile};
use db::{Database, migrations};
use poem::http::header;
use poem_openapi::{
    OpenApi,
    payload::{Html, Response},
};
use web::{
    error::ApiError, health, html::escape, middleware::PAGE_POLICY, telemetry::recent_requests,
};

const PAGE: &str = include_str!("landing/page.html");

/// The link to a page that exists only with the development server.
const REQUESTS: &str = "<a href=\"/dev/requests\">Queries <small>of recent requests</small></a>";

pub(crate) struct LandingApi {
    database: Database,
    /// The page with all values filled in except the database's state. `None` in production.
    page: Option<String>,
}

impl LandingApi {
    pub(crate) fn new(config: &Config, database: Database) -> Self {
        let engine = config.engine.as_deref().unwrap_or("none (started by hand)");
        let page = (config.profile != Profile::Production).then(|| {
            PAGE.replace("{version}", env!("CARGO_PKG_VERSION"))
                .replace("{profile}", config.profile.as_str())
                .replace("{engine}", &escape(engine))
                .replace(
                    "{requests}",
                    if recent_requests::is_shown(config) { REQUESTS } else { "" },
                )
                .replace("{follows}", &config.reload_folder.is_some().to_string())
        });
        Self { database, page }
    }
}

#[OpenApi]
impl LandingApi {
    #[oai(path = "/", method = "get", hidden)]
    async fn page(&self) -> Result<Response<Html<String>>, ApiError> {
        let page = self.page.as_ref().ok_or(ApiError::NotFound("page"))?;
        let (state, schema) = match health::schema_version(&self.database).await {
            Ok(version) if version < migrations::latest() => ("outdated", version.to_string()),
            Ok(version) => ("ready", version.to_string()),
            Err(_) => ("unreachable", "unknown, because the database is unreachable".to_owned()),
        };
        let page = Html(page.replace("{state}", state).replace("{schema}", &schema));
        Ok(Response::new(page).header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
    }
}
