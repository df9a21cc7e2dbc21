//! `cargo xtask ci`: runs all checks of CI on this machine.

use std::process::{Command, ExitCode};

use anyhow::Context;

use context::{migration_lint, process, project::Project, report};

/// Run all CI checks: format, clippy, docs, migrations, dependencies, tests, openapi.json, previous release
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Skip the check for known vulnerabilities, which needs the network
    #[arg(long)]
    offline: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let cargo = |line: &str| project.cargo(&line.split(' ').collect::<Vec<_>>());
        let mut docs = cargo("doc --workspace --no-deps --document-private-items --locked");
        docs.env("RUSTDOCFLAGS", "-D warnings");
        let mut deny = cargo("deny --all-features check");
        deny.args(if self.offline { &["bans", "licenses", "sources"][..] } else { &[] });
        let mut openapi = cargo("xtask openapi --check --binary");
        // An earlier step, `cargo test`, has built this program.
        openapi.arg(project.target("debug").join("api"));
        let steps: [(&str, Command); 8] = [
            ("format", cargo("fmt --all --check")),
            ("clippy", cargo("clippy --workspace --all-targets --locked -- -D warnings")),
            ("docs", docs),
            ("migrations", migration_lint::command(project, &[])),
            ("deny", deny),
            ("test", cargo("test --locked -- --include-ignored")),
            ("openapi", openapi),
            ("previous release", cargo("xtask test --previous-release")),
        ];
        for (name, mut command) in steps {
            report::stage(name, || {
                process::run(&mut command).with_context(|| remedy(name))?;
                Ok(((), "passed".to_owned()))
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn remedy(step: &str) -> &'static str {
    match step {
        "format" => "the code is not formatted. Run `cargo fmt`",
        "deny" => "cargo-deny reported a problem, or is not installed (`cargo install cargo-deny`)",
        "migrations" => "a new migration would block or break a running system",
        "previous release" => {
            "the previous release does not work with this schema, but rolling updates and rollbacks require that"
        }
        _ => "the check failed",
    }
}
