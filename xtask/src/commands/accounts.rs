//! `cargo xtask token`, `token revoke` and `create-admin`: call the migration tool of the stack.

use std::process::{ExitCode, Stdio};

use clap::{Subcommand, ValueEnum};

use context::{confirm::confirm_loss, process, project::Project};
use deploy::ProductionArgs;

/// Print a bearer token for development, or revoke tokens
///
/// Use the token with curl, as in `curl -H "Authorization: Bearer $(cargo xtask token)" localhost:5000/persons`,
/// or with the button Authorize on the docs page. Fails in the production profile.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: Option<TokenCommand>,
    /// The role of the token's account
    #[arg(long, default_value = "member")]
    role: Role,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Revoke a token, the tokens of an account, or all tokens, which ends sessions as well
    ///
    /// All replicas reject the tokens within 5 seconds.
    Revoke(RevokeArgs),
}

#[derive(clap::Args)]
struct RevokeArgs {
    #[command(flatten)]
    tokens: Tokens,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    stack: ProductionArgs,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Tokens {
    /// The id of the token, as in the audit log
    id: Option<String>,
    /// The email address of the account
    #[arg(long)]
    email: Option<String>,
    /// Revoke all tokens of all accounts
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    Admin,
    Member,
}

impl TokenArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        if let Some(TokenCommand::Revoke(args)) = self.command {
            return args.run(project);
        }
        let (engine, _) = engine::current(project)?;
        let role = match self.role {
            Role::Admin => "admin",
            Role::Member => "member",
        };
        process::exec(engine.migrate(&["token", "--role", role], false)?)
    }
}

impl RevokeArgs {
    fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let (engine, state) = engine::selected(project, &settings, &self.stack)?;
        let Tokens { id, email, .. } = &self.tokens;
        let (what, arguments) = match (id, email) {
            (Some(id), _) => (format!("the token {id}"), [Some(id.as_str()), None]),
            (_, Some(email)) => {
                (format!("all sessions and tokens of {email}"), [Some("--email"), Some(email)])
            }
            _ => ("all sessions and tokens".to_owned(), [Some("--all"), None]),
        };
        let question = format!("This revokes {what}{}.", self.stack.place(&settings));
        confirm_loss(&question, state.production, self.stack.is_selected(), self.yes)?;
        let arguments: Vec<_> =
            ["revoke-tokens"].into_iter().chain(arguments.into_iter().flatten()).collect();
        process::exec(engine.migrate(&arguments, false)?)
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
    #[command(flatten)]
    stack: ProductionArgs,
}

impl CreateAdminArgs {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let (engine, _) = engine::selected(project, &settings, &self.stack)?;
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
