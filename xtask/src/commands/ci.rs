//! `cargo xtask ci`: the whole gate, the same here and on the CI's machine.

use std::process::{Command, ExitCode};

use anyhow::Context;
use xshell::cmd;

use super::migrate;
use crate::{process, project::Project, report};

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
        let sh = &project.shell;
        let checks: &[&str] = if self.offline { &["bans", "licenses", "sources"] } else { &[] };
        // The tests have built it.
        let api = project.target("debug").join("api");
        let steps: [(&str, Command); 8] = [
            ("format", cmd!(sh, "cargo fmt --all --check").into()),
            (
                "clippy",
                cmd!(sh, "cargo clippy --workspace --all-targets --locked -- -D warnings").into(),
            ),
            (
                "docs",
                cmd!(sh, "cargo doc --workspace --no-deps --document-private-items --locked")
                    .env("RUSTDOCFLAGS", "-D warnings")
                    .into(),
            ),
            ("migrations", migrate::check(project, &[])),
            ("deny", cmd!(sh, "cargo deny --all-features check {checks...}").into()),
            ("test", cmd!(sh, "cargo test --locked").into()),
            ("document", cmd!(sh, "cargo xtask openapi --check --binary {api}").into()),
            ("previous release", cmd!(sh, "cargo xtask test --previous-release").into()),
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
