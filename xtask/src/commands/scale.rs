//! `cargo xtask scale`: more replicas of the API, or fewer.

use std::{process::ExitCode, time::Instant};

use context::{project::Project, report};
use deploy::{
    HostArgs,
    history::{Entry, History},
    rolling_update::{self, Serving},
};

/// Have this many replicas of the API serve, in production
///
/// No request is lost: a replica gets requests when it is ready, and gets no more before it stops.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_parser = clap::value_parser!(u8).range(1..=20))]
    number: u8,
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
        let entry = Entry::new(project, &format!("scale to {}", self.number), &tag);
        let mut history = History::open(&server, &images.proxy, &entry)?;
        history.write("started")?;
        let number = usize::from(self.number);
        let rolled = rolling_update::run(&server, &images, number, number);
        history.end(&rolled)?;
        rolled?;
        report::line(&format!(
            "{before} → {number} replicas on {} in {:.1} s",
            server.place(),
            started.elapsed().as_secs_f64()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
