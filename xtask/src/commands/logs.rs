//! `cargo xtask logs`: what the services wrote.

use std::process::ExitCode;

use context::{process, project::Project};
use deploy::{ProductionArgs, image::Images};

/// Show the log of one service or of all; of production, the last lines
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Go on with what is added, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// postgres or api, in production also nginx, backup or redis; all if none is given
    service: Option<String>,
    #[command(flatten)]
    production: ProductionArgs,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        if let Some(server) = self.production.server(project, &settings)? {
            let images = Images::of(project, &settings, "any")?;
            let logs = server.logs(&images, self.service.as_deref(), self.follow)?;
            return process::exec(logs);
        }
        let (engine, _) = engine::current(project)?;
        engine.logs(self.service.as_deref(), self.follow)
    }
}
