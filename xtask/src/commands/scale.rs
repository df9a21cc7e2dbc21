//! `cargo xtask scale`: more replicas of the API, or fewer.

use std::{process::ExitCode, time::Instant};

use crate::{
    project::Project,
    release::{
        Host,
        ledger::{Entry, Ledger},
        roll::{self, Serving},
    },
    report,
};

/// Have this many replicas of the API serve, in production
///
/// No request is lost: a replica gets requests when it is ready, and gets no more before it stops.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_parser = clap::value_parser!(u8).range(1..=20))]
    number: u8,
    #[command(flatten)]
    host: Host,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let settings = project.settings()?;
        let server = self.host.server(project, &settings)?;
        let Serving { tag, images, number: before, .. } = roll::serving(&server, project)?;
        let entry = Entry::new(project, &format!("scale to {}", self.number), &tag);
        let mut ledger = Ledger::open(&server, &images.proxy, &entry)?;
        ledger.write("started")?;
        let number = usize::from(self.number);
        let rolled = roll::to(&server, &images, number, number);
        ledger.end(&rolled)?;
        rolled?;
        report::line(&format!(
            "{before} → {number} replicas on {} in {:.1} s",
            server.place(),
            started.elapsed().as_secs_f64()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
