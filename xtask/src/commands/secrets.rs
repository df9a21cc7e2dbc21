//! `cargo xtask secrets`: rotates the secrets of the production stack.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use context::{project::Project, report};
use deploy::{
    HostArgs, certificates,
    history::{Entry, History},
    rolling_update::{self, Serving},
    secrets,
};

/// Rotate the secrets of the production stack
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Replace a secret without downtime
    Rotate(RotateArgs),
}

#[derive(clap::Args)]
struct RotateArgs {
    /// The secret
    secret: Secret,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Secret {
    /// The passwords of the database roles, which are generated
    DatabasePasswords,
    /// The certificate of ACME_DOMAIN, or the files in TLS_CERTIFICATE_FILE and TLS_KEY_FILE
    Certificate,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let Command::Rotate(RotateArgs { secret, host }) = self.command;
        let settings = project.settings()?;
        let server = host.server(project, &settings)?;
        let Serving { tag, images, .. } = rolling_update::serving(&server, project)?;
        let (what, outcome) = match secret {
            Secret::DatabasePasswords => {
                ("rotate database-passwords", "PostgreSQL and the API use other passwords")
            }
            Secret::Certificate => (
                "rotate certificate",
                if server.gets_certificate() {
                    "the authority was asked for a new certificate"
                } else {
                    "nginx uses the new certificate"
                },
            ),
        };
        let mut history = History::open(&server, &images.proxy, &Entry::new(project, what, &tag))?;
        history.write("started")?;
        let done = report::stage("rotate", || {
            match secret {
                Secret::DatabasePasswords => secrets::rotate_passwords(&server, project, &images)?,
                Secret::Certificate => certificates::rotate(&server, &images)?,
            }
            Ok(((), format!("{outcome} on {}", server.place())))
        });
        history.end(&done)?;
        done?;
        Ok(ExitCode::SUCCESS)
    }
}
