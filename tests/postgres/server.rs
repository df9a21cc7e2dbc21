//! Starts or connects to the server of a test run.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use local_postgres::{Installation, Temporary};

use crate::docker::Container;

const IMAGE: &str = "postgres:18";

/// A running server.
pub(crate) enum Server {
    /// A server of TEST_DATABASE_URL, which is left running.
    Given(String),
    Docker(Box<Container>),
    Local(Temporary),
}

impl Server {
    /// Returns the server of TEST_DATABASE_URL, or starts one: with Docker, or otherwise with the installed PostgreSQL.
    /// TEST_POSTGRES chooses between them.
    pub(crate) async fn start(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        match variable("TEST_DATABASE_URL").filter(|url| !url.is_empty()) {
            Some(url) => Ok(Self::Given(url)),
            None => Self::start_new(variable, false).await,
        }
    }

    /// Starts a server that keeps its port and data over restarts.
    pub(crate) async fn start_own(
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        Self::start_new(variable, true).await
    }

    async fn start_new(
        variable: &dyn Fn(&str) -> Option<String>,
        lasting: bool,
    ) -> anyhow::Result<Self> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let image =
            variable("POSTGRES_IMAGE").or_else(image_of_env_file).unwrap_or(IMAGE.to_owned());
        match variable("TEST_POSTGRES").as_deref() {
            Some("docker") => docker(&image, lasting).await,
            Some("local") => local(lasting),
            Some(other) => bail!("invalid TEST_POSTGRES {other:?}: expected docker or local"),
            None => match docker(&image, lasting).await {
                Ok(server) => Ok(server),
                Err(no_docker) => local(lasting).map_err(|no_local| {
                    anyhow::anyhow!(
                        "the tests need PostgreSQL. Start Docker, install PostgreSQL, or set TEST_DATABASE_URL to the \
                         URL of a superuser.\n\
                         {no_docker:#}\n\
                         {no_local:#}"
                    )
                }),
            },
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Docker(container) => container.url().to_owned(),
            Self::Local(server) => server.url(),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            // Nothing is done here, because a local server is stopped and deleted when it is dropped.
            Self::Given(_) | Self::Local(_) => Ok(()),
            Self::Docker(container) => container.remove().await,
        }
    }
}

async fn docker(image: &str, lasting: bool) -> anyhow::Result<Server> {
    let container = Container::start(image, lasting).await.context("cannot use Docker")?;
    Ok(Server::Docker(Box::new(container)))
}

fn local(lasting: bool) -> anyhow::Result<Server> {
    // Committed data of a lasting server must survive if the server is killed, but not if the machine crashes.
    let settings: &[_] = if lasting { &[("synchronous_commit", "on")] } else { &[] };
    let place = place();
    let start = || {
        let installation = Installation::find(&|name| env::var_os(name))?;
        Temporary::sweep(&installation, &place)?;
        Temporary::start(&installation, &place, settings)
    };
    start().map(Server::Local).context("cannot use the installed PostgreSQL")
}

/// Returns a folder in memory if it is large enough. On a disk, creating and deleting databases takes half of the
/// time of all tests.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if has_space(memory) { memory.to_owned() } else { env::temp_dir() }
}

#[cfg(target_os = "linux")]
fn has_space(folder: &Path) -> bool {
    // Requires 2 GiB, because PostgreSQL keeps up to 1 GiB of write-ahead log (WAL).
    const ENOUGH: u64 = 2 << 30;

    rustix::fs::statvfs(folder).is_ok_and(|it| it.f_bavail * it.f_frsize >= ENOUGH)
}

#[cfg(not(target_os = "linux"))]
fn has_space(_: &Path) -> bool {
    false
}

/// Returns the image in `.env`.
fn image_of_env_file() -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env");
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("POSTGRES_IMAGE="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|image| !image.is_empty())
}
