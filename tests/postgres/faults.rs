//! Faults of a server, for tests of how the API handles them.

use std::time::Duration;

use anyhow::{Context, bail};
use local_postgres::{Status, Stop, Temporary};
use sysinfo::{Pid, ProcessesToUpdate, Signal, System};
use tokio::time::sleep;

use crate::server::Server;

impl Server {
    /// Applies a fault. Waits until a started server accepts connections.
    pub(crate) async fn apply_fault(&self, fault: &str) -> anyhow::Result<()> {
        match self {
            Self::Given(_) => bail!("cannot apply faults to the server of TEST_DATABASE_URL"),
            Self::Docker(container) => container.apply_fault(fault).await,
            Self::Local(server) => apply_fault(server, fault).await,
        }
    }
}

async fn apply_fault(server: &Temporary, fault: &str) -> anyhow::Result<()> {
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
        other => bail!("unknown fault {other:?}"),
    }
    Ok(())
}

/// Sends a signal to every process of the server. The main process is first, so that it does not start new processes.
fn signal(server: &Temporary, signal: Signal) -> anyhow::Result<()> {
    let Status::Running { pid, .. } = server.cluster().status()? else {
        bail!("the server is not running")
    };
    let (first, mut system) = (Pid::from_u32(pid), System::new()?);
    for children in [false, true] {
        system.refresh_processes(ProcessesToUpdate::All, true);
        for process in system.processes().values() {
            let is_next =
                if children { process.parent() == Some(first) } else { process.pid() == first };
            // Errors are ignored, because a process may have ended in the meantime.
            if is_next {
                process
                    .kill_with(signal)
                    .context("the operating system does not support the signal")?;
            }
        }
    }
    Ok(())
}
