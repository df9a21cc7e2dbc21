//! `cargo xtask logs`: shows the logs of the services.

use std::process::ExitCode;

use context::{process, project::Project};
use deploy::{ProductionArgs, image::Images};

/// Show the log of one service or of all services
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Follow the log until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// The service: postgres or api, in production also nginx, backup or redis [default: all]
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
            return process::show_log(logs);
        }
        let (engine, _) = engine::current(project)?;
        engine.logs(self.service.as_deref(), self.follow)
    }
}
