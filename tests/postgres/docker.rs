//! A PostgreSQL in a container, which outlives us only if we are killed; the next run removes it then.

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

/// The label with the path of a file that the container's holder keeps locked while it lives.
const LABEL: &str = "test-postgres.lock";
const PORT: u16 = 5432;
/// Fast, not safe: nothing here must survive a crash of the machine.
const ARGUMENTS: [&str; 6] =
    ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"];
/// For Docker to say anything at all, for an image to be pulled and started, for TCP to work then, for
/// all processes to be frozen.
const ANSWER: Duration = Duration::from_secs(3);
const START: Duration = Duration::from_mins(2);
const CONNECT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct Container {
    running: ContainerAsync<GenericImage>,
    url: String,
    // The last field is dropped last.
    _lock: Lock,
}

impl Container {
    /// A `lasting` one has its data and its port again when it is started again.
    pub(crate) async fn start(image: &str, lasting: bool) -> anyhow::Result<Self> {
        let docker = docker_client_instance().await?;
        timeout(ANSWER, docker.ping()).await.context("it does not answer")??;
        if !lasting {
            // Several of the others start at once, and would sweep for the same.
            sweep(&docker).await.context("cannot remove what a killed run left")?;
        }

        let lock = Lock::take()?;
        // Every interface of this machine gets the port, hence a password that nobody guesses.
        let password = Uuid::new_v4().simple();
        let (name, tag) = split(image);
        let request = GenericImage::new(name, tag)
            .with_exposed_port(PORT.tcp())
            .with_wait_for(WaitFor::message_on_stderr("ready to accept connections"))
            .with_env_var("POSTGRES_PASSWORD", password.to_string())
            // At one place whatever the image's version.
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
            .with_context(|| format!("{image} cannot be had in {START:?}: pull it by hand"))
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

    /// Has it suffer what `fault` names; a server that starts accepts connections in the end.
    pub(crate) async fn suffer(&self, fault: &str) -> anyhow::Result<()> {
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
            other => bail!("what is {other:?}?"),
        }
        Ok(())
    }

    /// Asks again for a while: with control groups of version 1, processes that start others just then
    /// can keep their group from being frozen.
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

/// A locked file. A system unlocks the files of a process that ends, however it ends.
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
        // Gone already when a sweep followed a failed start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the containers whose holder has gone: the lock on their file is free.
async fn sweep(docker: &Docker) -> anyhow::Result<()> {
    let filters = [("label", vec![LABEL])].into();
    let ours = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    for container in docker.list_containers(Some(ours)).await? {
        let labels = container.labels.unwrap_or_default();
        let (Some(id), Some(path)) = (container.id, labels.get(LABEL)) else { continue };
        // No such file: the holder is on another machine, and none of our business.
        let Ok(lock) = File::open(path) else { continue };
        if lock.try_lock().is_ok() {
            let forced = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            docker.remove_container(&id, Some(forced)).await?;
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The image's own start-up starts a first server that TCP does not reach, and says so as well.
async fn connect(url: &str) -> anyhow::Result<()> {
    let (url, started) = (Secret::from(url.to_owned()), Instant::now());
    loop {
        match db::connect(&url, None).await {
            Ok(_) => return Ok(()),
            Err(db::Error::Unavailable(_)) if started.elapsed() < CONNECT => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(error) => bail!("the container runs but does not answer: {error}"),
        }
    }
}

/// A port that no connection gets as its own end: Linux gives those out from 32,768 on, and Docker wants the
/// port on every address.
fn lasting_port() -> anyhow::Result<u16> {
    let somewhere = u16::try_from(Uuid::new_v4().as_u128() % 10_000)?;
    Ok(free_port(Some(20_000 + somewhere))?)
}

/// Name and tag of an image, whose registry may have a port.
fn split(image: &str) -> (&str, &str) {
    let tag = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    tag.unwrap_or((image, "latest"))
}
