//! `cargo xtask ci`: the whole gate, the same here and on the CI's machine.

use std::process::{Command, ExitCode};

use anyhow::Context;

use context::{migration_lint, process, project::Project, report};

/// Run the whole gate: format, clippy, docs, migrations, deny, tests, the API's document, and the last
/// release on this schema
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out what asks the network for the list of known vulnerabilities
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
        let mut document = cargo("xtask openapi --check --binary");
        // The tests have built it.
        document.arg(project.target("debug").join("api"));
        let steps: [(&str, Command); 8] = [
            ("format", cargo("fmt --all --check")),
            ("clippy", cargo("clippy --workspace --all-targets --locked -- -D warnings")),
            ("docs", docs),
            ("migrations", migration_lint::command(project, &[])),
            ("deny", deny),
            ("test", cargo("test --locked -- --include-ignored")),
            ("document", document),
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
        "format" => "the code is not formatted: `cargo fmt`",
        "deny" => "cargo-deny found something, or is not installed: `cargo install cargo-deny`",
        "migrations" => "a new migration would hold up or break a running system",
        "previous release" => {
            "the last release does not work on this schema: while both run, or to go back, it must"
        }
        _ => "the gate is closed",
    }
}
