//! Where the server of a test run comes from.

use std::{env, fs, path::Path};

use anyhow::{Context, bail};
use local_postgres::{Installation, Temporary};

use crate::docker::Container;

const IMAGE: &str = "postgres:18";

/// A running server.
pub(crate) enum Server {
    /// Somebody else's; it is left running.
    Given(String),
    Docker(Container),
    Local(Temporary),
}

impl Server {
    /// The server of TEST_DATABASE_URL; else a new one, in Docker or else of this machine's own
    /// PostgreSQL, or as TEST_POSTGRES says.
    pub(crate) async fn start(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(url) = variable("TEST_DATABASE_URL") {
            return Ok(Self::Given(url));
        }
        let image =
            variable("POSTGRES_IMAGE").or_else(image_of_env_file).unwrap_or(IMAGE.to_owned());
        match variable("TEST_POSTGRES").as_deref() {
            Some("docker") => Container::start(&image).await.map(Self::Docker),
            Some("local") => local().map(Self::Local),
            Some(other) => bail!("TEST_POSTGRES is {other:?}; set it to docker or local"),
            None => match Container::start(&image).await {
                Ok(container) => Ok(Self::Docker(container)),
                Err(no_docker) => local().map(Self::Local).map_err(|no_local| {
                    anyhow::anyhow!(
                        "the tests need a PostgreSQL: start Docker, or install PostgreSQL, or name \
                         a server's superuser in TEST_DATABASE_URL\n\
                         Docker: {no_docker:#}\n\
                         this machine: {no_local:#}"
                    )
                }),
            },
        }
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Docker(container) => container.url(),
            Self::Local(server) => server.url(),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            // Dropping a local one stops and deletes it.
            Self::Given(_) | Self::Local(_) => Ok(()),
            Self::Docker(container) => container.remove().await,
        }
    }
}

fn local() -> anyhow::Result<Temporary> {
    let installation = Installation::find(&|name| env::var_os(name))?;
    Temporary::sweep(&installation).context("cannot remove what a killed run left")?;
    Ok(Temporary::start(&installation, &[])?)
}

/// The image that `docker compose` uses here.
fn image_of_env_file() -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env");
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("POSTGRES_IMAGE="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|image| !image.is_empty())
}
