//! `cargo xtask client`: generates a typed client of the API from `openapi.json`.

use std::process::{Command, ExitCode};

use anyhow::Context;
use xshell::cmd;

use context::{process, project::Project, report};

/// Generate and compile a typed client from openapi.json
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The language of the client in clients/ts or clients/rust
    #[arg(value_enum)]
    language: Language,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Language {
    /// TypeScript, with openapi-typescript and openapi-fetch (needs Node.js)
    Ts,
    /// Rust, with progenitor
    Rust,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let sh = &project.shell;
        let (folder, failure, stages, next) = match self.language {
            Language::Ts => (
                "clients/ts",
                "cannot build the client, which needs npm from Node.js 20 or newer",
                vec![
                    ("install", cmd!(sh, "npm ci --silent --ignore-scripts --no-audit --no-fund")),
                    ("generate", cmd!(sh, "npm run --silent generate")),
                    ("compile", cmd!(sh, "npm run --silent build")),
                ],
                "npm install ./clients/ts",
            ),
            Language::Rust => (
                "clients/rust",
                "cannot build the client, which needs packages from crates.io",
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
                process::run(command.current_dir(project.path(folder))).context(failure)?;
                Ok(((), "done".to_owned()))
            })?;
        }
        report::next(next, "add the client to your project");
        Ok(ExitCode::SUCCESS)
    }
}
