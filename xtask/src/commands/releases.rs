//! `cargo xtask releases`: shows the deployment history of a server.

use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use context::{project::Project, report};
use deploy::{
    HostArgs,
    history::{self, Entry, Record},
    image::{self, Images},
    rolling_update,
};

/// List the deployment history of a server: time, command, release, user and result
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Releases {
    /// The deployment history, oldest first.
    history: Vec<Record>,
    /// The releases that run now.
    running: Vec<Running>,
}

#[derive(Serialize)]
struct Running {
    tag: String,
    replicas: usize,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let server = self.host.server(project, &settings)?;
        let running = rolling_update::running(&server)?;
        let images = Images::of(project, &settings, "none")?;
        let records = history::read(&server, &images.proxy).with_context(|| {
            format!(
                "{} does not have a deployment history yet. `cargo xtask deploy` starts one.",
                server.place()
            )
        })?;
        if self.json {
            let running = running.into_iter().map(|(image, replicas)| Running {
                tag: image::tag_of(&image).to_owned(),
                replicas,
            });
            report::json(&Releases { history: records, running: running.collect() })?;
            return Ok(ExitCode::SUCCESS);
        }
        let row = |Record { time, entry: Entry { what, tag, who, state } }| {
            vec![time, what, tag, who, state]
        };
        let rows: Vec<_> = records.into_iter().map(row).collect();
        report::table(&[], &rows);
        for (image, number) in running {
            report::line(&format!("now: {} on {number} replicas", image::tag_of(&image)));
        }
        Ok(ExitCode::SUCCESS)
    }
}
