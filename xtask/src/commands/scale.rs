//! `cargo xtask scale`: changes the number of API replicas in production.

use std::{process::ExitCode, time::Instant};

use context::{project::Project, report};
use deploy::{
    HostArgs,
    history::{Entry, History},
    rolling_update::{self, Serving},
};

/// Scale the production API to COUNT replicas, without downtime
///
/// A new replica gets requests only after it is ready. A removed replica finishes its requests before it stops.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The number of replicas, from 1 to 20
    #[arg(value_parser = clap::value_parser!(u8).range(1..=20))]
    count: u8,
    #[command(flatten)]
    host: HostArgs,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let settings = project.settings()?;
        let server = self.host.server(project, &settings)?;
        let Serving { tag, images, number: before, .. } =
            rolling_update::serving(&server, project)?;
        let entry = Entry::new(project, &format!("scale to {}", self.count), &tag);
        let mut history = History::open(&server, &images.proxy, &entry)?;
        history.write("started")?;
        let count = usize::from(self.count);
        let rolled = rolling_update::run(&server, &images, count, count);
        history.end(&rolled)?;
        rolled?;
        report::line(&format!(
            "{before} → {count} replicas on {} in {:.1} s",
            server.place(),
            started.elapsed().as_secs_f64()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
