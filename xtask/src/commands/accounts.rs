//! `cargo xtask token` and `create-admin`: the migration tool, run where the stack runs.

use std::process::ExitCode;

use clap::ValueEnum;

use context::{process, project::Project};

/// Print a token for development, and nothing else
///
/// For curl, as in `curl -H "Authorization: Bearer $(cargo xtask token)" localhost:5000/persons`, and
/// for 'Authorize' on the docs page. Refused in the production profile.
#[derive(clap::Args)]
pub(crate) struct TokenArgs {
    /// What its account may do
    #[arg(long, default_value = "member")]
    role: Role,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    Admin,
    Member,
}

impl TokenArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let role = match self.role {
            Role::Admin => "admin",
            Role::Member => "member",
        };
        process::exec(engine.migrate(&["token", "--role", role], false)?)
    }
}

/// Make an admin's account, with a random password that is shown once
#[derive(clap::Args)]
pub(crate) struct CreateAdminArgs {
    /// What to log in with
    #[arg(long)]
    email: String,
    /// Read the password from stdin instead
    #[arg(long)]
    password_stdin: bool,
}

impl CreateAdminArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let mut arguments = vec!["create-admin", "--email", &self.email];
        if self.password_stdin {
            arguments.push("--password-stdin");
        }
        process::exec(engine.migrate(&arguments, false)?)
    }
}
