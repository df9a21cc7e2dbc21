//! `cargo xtask token` and `create-admin`: call the migration tool of the stack.

use std::process::{ExitCode, Stdio};

use clap::ValueEnum;

use context::{process, project::Project};

/// Print a bearer token for development
///
/// Use the token with curl, as in `curl -H "Authorization: Bearer $(cargo xtask token)" localhost:5000/persons`,
/// or with the button Authorize on the docs page. Fails in the production profile.
#[derive(clap::Args)]
pub(crate) struct TokenArgs {
    /// The role of the token's account
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

/// Create an admin account with a random password, which is shown once
#[derive(clap::Args)]
pub(crate) struct CreateAdminArgs {
    /// The email address of the account
    #[arg(long)]
    email: String,
    /// Read the password from stdin instead of generating it
    #[arg(long)]
    password_stdin: bool,
}

impl CreateAdminArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (engine, _) = engine::current(project)?;
        let mut arguments = vec!["create-admin", "--email", &self.email];
        if !self.password_stdin {
            return process::exec(engine.migrate(&arguments, false)?);
        }
        arguments.push("--password-stdin");
        let mut command = engine.migrate(&arguments, false)?;
        command.stdin(Stdio::inherit());
        process::exec(command)
    }
}
