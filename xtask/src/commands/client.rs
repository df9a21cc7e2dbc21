//! `cargo xtask client`: a typed client of the API, from `openapi.json`.

use std::process::{Command, ExitCode};

use anyhow::Context;
use xshell::cmd;

use context::{process, project::Project, report};

/// Generate and compile a typed client from openapi.json
#[derive(clap::Args)]
pub(crate) struct Args {
    /// In which language: into clients/ts or clients/rust
    #[arg(value_enum)]
    language: Language,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Language {
    /// TypeScript, by openapi-typescript and openapi-fetch; needs Node.js
    Ts,
    /// Rust, by progenitor
    Rust,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let sh = &project.shell;
        let (folder, needs, stages, next) = match self.language {
            Language::Ts => (
                "clients/ts",
                "npm comes with Node.js 20 or newer",
                vec![
                    ("install", cmd!(sh, "npm ci --silent --ignore-scripts --no-audit --no-fund")),
                    ("generate", cmd!(sh, "npm run --silent generate")),
                    ("compile", cmd!(sh, "npm run --silent build")),
                ],
                "npm install ./clients/ts",
            ),
            Language::Rust => (
                "clients/rust",
                "what it needs comes from crates.io",
                vec![
                    (
                        "generate",
                        cmd!(
                            sh,
                            "cargo run --quiet --locked --package generator -- ../../openapi.json src/generated.rs"
                        ),
                    ),
                    ("compile", cmd!(sh, "cargo build --quiet --locked")),
                ],
                "cargo add --path clients/rust",
            ),
        };
        for (name, command) in stages {
            report::stage(name, || {
                let mut command: Command = command.into();
                process::run(command.current_dir(project.path(folder))).context(needs)?;
                Ok(((), "done".to_owned()))
            })?;
        }
        report::next(next, "puts it into a project of yours");
        Ok(ExitCode::SUCCESS)
    }
}
