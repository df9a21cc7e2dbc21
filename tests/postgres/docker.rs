//! A PostgreSQL in a container. If this process is killed, the next run removes the container.

use std::{
    env,
    fs::{self, File},
    io,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use config::Secret;
use local_postgres::free_port;
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    bollard::{
        Docker,
        query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder},
    },
    core::{IntoContainerPort, Mount, WaitFor, client::docker_client_instance},
    runners::AsyncRunner,
};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

/// The label with the path of a file that this process keeps locked while the container is used.
const LABEL: &str = "test-postgres.lock";
const PORT: u16 = 5432;
/// Fast but not durable settings, because test data need not survive a crash of the machine.
const ARGUMENTS: [&str; 6] =
    ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"];
/// Time limits for a response of Docker, for pulling and starting an image, for the first TCP connection, and for
/// pausing all processes.
const RESPONSE: Duration = Duration::from_secs(3);
const START: Duration = Duration::from_mins(2);
const CONNECT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct Container {
    running: ContainerAsync<GenericImage>,
    url: String,
    // The lock must be released last. Fields are dropped in the order of their declaration, so this field comes last.
    _lock: Lock,
}

impl Container {
    /// Starts a container. A `lasting` container keeps its data and port over restarts.
    pub(crate) async fn start(image: &str, lasting: bool) -> anyhow::Result<Self> {
        let docker = docker_client_instance().await?;
        timeout(RESPONSE, docker.ping()).await.context("Docker does not respond")??;
        if !lasting {
            // Lasting containers start concurrently, so they must not remove containers.
            sweep(&docker).await.context("cannot remove containers of a killed run")?;
        }

        let lock = Lock::take()?;
        // The password is random, because Docker publishes the port on all network interfaces.
        let password = Uuid::new_v4().simple();
        let (name, tag) = split(image);
        let request = GenericImage::new(name, tag)
            .with_exposed_port(PORT.tcp())
            .with_wait_for(WaitFor::message_on_stderr("ready to accept connections"))
            .with_env_var("POSTGRES_PASSWORD", password.to_string())
            // The default folder depends on the version of the image.
            .with_env_var("PGDATA", "/tmp/memory/data")
            .with_label(LABEL, lock.path.to_string_lossy());
        let request = if lasting {
            request.with_mapped_port(lasting_port()?, PORT.tcp()).with_cmd(ARGUMENTS)
        } else {
            let fast = ["-c", "synchronous_commit=off"];
            let memory = Mount::tmpfs_mount("/tmp/memory");
            request.with_mount(memory).with_cmd(ARGUMENTS.into_iter().chain(fast))
        };
        let started = timeout(START, request.start())
            .await
            .with_context(|| {
                format!("{image} did not start within {START:?}. Pull the image manually.")
            })
            .and_then(|started| Ok(started?));
        let container = match started {
            Ok(container) => container,
            Err(error) => {
                lock.file.unlock()?;
                sweep(&docker).await?;
                return Err(error);
            }
        };
        let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(PORT).await?);
        let url = format!("postgresql://postgres:{password}@{host}:{port}/postgres");
        connect(&url).await?;
        Ok(Self { running: container, url, _lock: lock })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Applies a fault. Waits until a started server accepts connections.
    pub(crate) async fn apply_fault(&self, fault: &str) -> anyhow::Result<()> {
        match fault {
            "kill" => {
                let docker = docker_client_instance().await?;
                docker.kill_container(self.running.id(), None).await?;
            }
            "pause" => return self.pause().await,
            "continue" => self.running.unpause().await?,
            "restart" => {
                self.running.stop_with_timeout(None).await?;
                return self.start_again().await;
            }
            "start" => return self.start_again().await,
            other => bail!("unknown fault {other:?}"),
        }
        Ok(())
    }

    /// Pauses the container. Retries, because a control group of version 1 cannot be frozen while a process starts a
    /// process.
    async fn pause(&self) -> anyhow::Result<()> {
        let asked = Instant::now();
        while let Err(error) = self.running.pause().await {
            if asked.elapsed() > PAUSE {
                return Err(error.into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn start_again(&self) -> anyhow::Result<()> {
        self.running.start().await?;
        connect(&self.url).await
    }

    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        Ok(self.running.rm().await?)
    }
}

/// A locked file. The operating system unlocks it when this process ends.
struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    fn take() -> io::Result<Self> {
        let name = format!("test-postgres-{}.lock", Uuid::now_v7().simple());
        let path = env::temp_dir().join(name);
        let file = File::create_new(&path)?;
        file.lock()?;
        Ok(Self { file, path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Errors are ignored, because `sweep` may have removed the file already.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes containers of ended processes, whose lock file is not locked.
async fn sweep(docker: &Docker) -> anyhow::Result<()> {
    let filters = [("label", vec![LABEL])].into();
    let labelled = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    for container in docker.list_containers(Some(labelled)).await? {
        let labels = container.labels.unwrap_or_default();
        let (Some(id), Some(path)) = (container.id, labels.get(LABEL)) else { continue };
        // Without this file, the container belongs to another machine.
        let Ok(lock) = File::open(path) else { continue };
        if lock.try_lock().is_ok() {
            let forced = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            docker.remove_container(&id, Some(forced)).await?;
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Waits for a connection. The image logs that it is ready twice, first for a temporary server without TCP.
async fn connect(url: &str) -> anyhow::Result<()> {
    let (url, started) = (Secret::from(url.to_owned()), Instant::now());
    loop {
        match db::connect(&url, None).await {
            Ok(_) => return Ok(()),
            Err(db::Error::Unavailable(_)) if started.elapsed() < CONNECT => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(error) => bail!("the container runs but does not accept connections: {error}"),
        }
    }
}

/// Returns an unused port below the ephemeral ports, so that it is still free after a restart.
fn lasting_port() -> anyhow::Result<u16> {
    let somewhere = u16::try_from(Uuid::new_v4().as_u128() % 10_000)?;
    Ok(free_port(Some(20_000 + somewhere))?)
}

/// Splits the name of an image from its tag. The registry may have a port.
fn split(image: &str) -> (&str, &str) {
    let tag = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    tag.unwrap_or((image, "latest"))
}
