//! `cargo xtask client`: a typed client of the API, from `openapi.json`.

use std::process::{Command, ExitCode};

use anyhow::Context;
use xshell::cmd;

use crate::{process, project::Project, report};

/// Generate and compile a typed client from openapi.json
#[derive(clap::Args)]
pub(crate) struct Args {
    /// In which language: into clients/ts
    #[arg(value_enum)]
    language: Language,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Language {
    /// TypeScript, by openapi-typescript and openapi-fetch; needs Node.js
    Ts,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let Language::Ts = self.language;
        let (sh, folder) = (&project.shell, project.path("clients/ts"));
        let install = cmd!(sh, "npm ci --silent --ignore-scripts --no-audit --no-fund");
        let generate = cmd!(sh, "npm run --silent generate");
        let build = cmd!(sh, "npm run --silent build");
        for (name, command) in [("install", install), ("generate", generate), ("compile", build)] {
            report::stage(name, || {
                let mut command: Command = command.into();
                process::run(command.current_dir(&folder))
                    .context("npm comes with Node.js 20 or newer")?;
                Ok(((), "done".to_owned()))
            })?;
        }
        report::next("npm install ./clients/ts", "puts it into a project of yours");
        Ok(ExitCode::SUCCESS)
    }
}
