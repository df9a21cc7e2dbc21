//! `cargo xtask client`: generates a typed client of the API from `openapi.json`.

use std::process::{Command, ExitCode};

use anyhow::Context;

use context::{process, project::Project, report};

/// Generate and compile a typed client from openapi.json
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The language of the client in clients/ts or clients/rust
    #[arg(value_enum)]
    language: Language,
}

const GENERATE: [&str; 8] = [
    "run",
    "--quiet",
    "--locked",
    "--package",
    "generator",
    "--",
    "../../openapi.json",
    "src/generated.rs",
];

#[derive(Clone, Copy, clap::ValueEnum)]
enum Language {
    /// TypeScript, with openapi-typescript and openapi-fetch (needs Node.js)
    Ts,
    /// Rust, with progenitor
    Rust,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (folder, failure, stages, next) = match self.language {
            Language::Ts => (
                "clients/ts",
                "cannot build the client, which needs npm from Node.js 20 or newer",
                vec![
                    (
                        "install",
                        npm(&[
                            "ci",
                            "--ignore-scripts",
                            "--no-audit",
                            "--no-fund",
                            "--include=dev",
                        ]),
                    ),
                    ("generate", npm(&["run", "generate"])),
                    ("compile", npm(&["run", "build"])),
                ],
                "npm install ./clients/ts",
            ),
            Language::Rust => (
                "clients/rust",
                "cannot build the client, which needs packages from crates.io",
                vec![
                    ("generate", project.cargo(&GENERATE)),
                    ("compile", project.cargo(&["build", "--quiet", "--locked"])),
                ],
                "cargo add --path clients/rust",
            ),
        };
        for (name, mut command) in stages {
            report::stage(name, || {
                process::run(command.current_dir(project.path(folder))).context(failure)?;
                Ok(((), "done".to_owned()))
            })?;
        }
        report::next(next, "add the client to your project");
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns npm without the variables that would omit the packages that generate the client.
fn npm(arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).args(["--silent", "--global=false", "--dry-run=false"]);
    npm.env_remove("NODE_ENV");
    npm
}
