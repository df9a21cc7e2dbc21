//! What can happen to a server, for tests of what the API makes of it.

use std::time::Duration;

use anyhow::{Context, bail};
use local_postgres::{Status, Stop, Temporary};
use sysinfo::{Pid, ProcessesToUpdate, Signal, System};
use tokio::time::sleep;

use crate::server::Server;

impl Server {
    /// Has it suffer what `fault` names; a server that starts accepts connections in the end.
    pub(crate) async fn suffer(&self, fault: &str) -> anyhow::Result<()> {
        match self {
            Self::Given(_) => bail!("this server is not ours to break"),
            Self::Docker(container) => container.suffer(fault).await,
            Self::Local(server) => suffer(server, fault).await,
        }
    }
}

async fn suffer(server: &Temporary, fault: &str) -> anyhow::Result<()> {
    let cluster = server.cluster();
    match fault {
        "kill" => {
            signal(server, Signal::Kill)?;
            while cluster.status()? != Status::Stopped {
                sleep(Duration::from_millis(5)).await;
            }
        }
        "pause" => signal(server, Signal::Stop)?,
        "continue" => signal(server, Signal::Continue)?,
        "restart" => {
            cluster.stop(Stop::Fast)?;
            cluster.start(server.port())?;
        }
        "start" => {
            cluster.start(server.port())?;
        }
        other => bail!("what is {other:?}?"),
    }
    Ok(())
}

/// Sends a signal to every process of the server, the one that would start others first.
fn signal(server: &Temporary, signal: Signal) -> anyhow::Result<()> {
    let Status::Running { pid, .. } = server.cluster().status()? else { bail!("it does not run") };
    let (first, mut system) = (Pid::from_u32(pid), System::new()?);
    for children in [false, true] {
        system.refresh_processes(ProcessesToUpdate::All, true);
        for process in system.processes().values() {
            let is_next =
                if children { process.parent() == Some(first) } else { process.pid() == first };
            // One that has just ended does not get it.
            if is_next {
                process.kill_with(signal).context("this system does not know the signal")?;
            }
        }
    }
    Ok(())
}
