//! Accounts that the API cannot create: the first admin, and the development accounts.

use anyhow::{Context, bail, ensure};
use config::{Config, Profile, Secret};
use db::{
    Client, Database,
    accounts::{self, NewAccount, Role},
    audit::{self, Actor},
    tokens::{self, NewToken},
};
use store::credentials::{password, token};
use uuid::Uuid;

use crate::connection::connect;

/// The password of the development accounts. The password is public, so production rejects these accounts.
pub const DEVELOPMENT_PASSWORD: &str = "for development only";

/// Creates an admin, with a random password unless one is given.
pub async fn create_admin(
    config: &Config,
    email: &str,
    password: Option<Secret>,
) -> anyhow::Result<String> {
    ensure!(email.contains('@'), "{email} is not an email address");
    let given = password.is_some();
    let password = password.unwrap_or_else(password::generate);
    let length = password.expose().chars().count();
    ensure!(
        (12..=128).contains(&length),
        "the password has {length} characters: a password needs 12 to 128 characters"
    );
    ensure!(
        !password::is_common(&password),
        "the password is one of the most common passwords, which attackers try first: use several random words"
    );
    let transaction = database(config).await?.begin().await?;
    let new = NewAccount {
        email: email.to_owned(),
        name: email.to_owned(),
        role: Role::Admin,
        password_hash: password::hash(&password),
    };
    let account = match accounts::insert(&transaction, new).await {
        Err(db::Error::Duplicate { .. }) => {
            bail!(
                "{email} already has an account. Ask an admin to change its role, or use another email address."
            )
        }
        inserted => inserted?,
    };
    let by = Actor { account_id: None, token_id: None, action: "create-admin", request_id: None };
    audit::record(&transaction, &by, "account", account.id).await?;
    transaction.commit().await?;
    Ok(if given {
        format!("created the admin {email}\n")
    } else {
        let password = password.expose();
        format!(
            "created the admin {email} with this password, which is not shown again:\n{password}\n"
        )
    })
}

/// Revokes the token with this id, the tokens and sessions of the account with this email address, or all. Returns
/// the number as text.
pub async fn revoke_tokens(
    config: &Config,
    id: Option<Uuid>,
    email: Option<&str>,
) -> anyhow::Result<String> {
    let transaction = database(config).await?.begin().await?;
    let account = match email {
        Some(email) => {
            let account = accounts::find_by_email(&transaction, email).await?;
            Some(account.with_context(|| no_account(email))?.id)
        }
        None => None,
    };
    let revoked = tokens::revoke(&transaction, id, account).await?;
    if let (Some(id), []) = (id, revoked.as_slice()) {
        bail!("no token has the id {id}. Find the id in the audit log (GET /audit).");
    }
    let by = Actor { account_id: None, token_id: None, action: "revoke-tokens", request_id: None };
    for id in &revoked {
        audit::record(&transaction, &by, "token", *id).await?;
    }
    transaction.commit().await?;
    Ok(format!("revoked {} tokens and sessions\n", revoked.len()))
}

/// Returns the token of a new session of the development account with this role.
pub async fn token(config: &Config, role: Role) -> anyhow::Result<String> {
    if config.profile == Profile::Production {
        bail!("refused, because development accounts do not work in production (APP_ENV)");
    }
    let client = connect(config, None).await?;
    seed(&client).await?;
    let email = role.development_email();
    let account = accounts::find_by_email(&client, email).await?;
    let account = account.with_context(|| no_account(email))?;
    let token = token::generate();
    let hash = token::hash(token.expose()).expect("it is a token");
    let end = std::time::SystemTime::now() + config.accounts.session_lifetime;
    let new = NewToken::session(account.id, hash, end.into());
    tokens::insert(&client, new).await?;
    Ok(format!("{}\n", token.expose()))
}

/// Creates the missing development accounts.
pub(crate) async fn seed(client: &Client) -> anyhow::Result<()> {
    let password = Secret::from(DEVELOPMENT_PASSWORD.to_owned());
    Ok(db::seed_accounts(client, &password::hash(&password)).await?)
}

/// Connects to the existing database.
async fn database(config: &Config) -> anyhow::Result<Database> {
    connect(config, None).await?;
    Ok(Database::new(&config.database)?)
}

/// Returns a warning if a production database contains development accounts.
pub(crate) async fn warning(client: &Client) -> anyhow::Result<String> {
    Ok(match accounts::count_development(client).await? {
        0 => String::new(),
        number => format!(
            "warning: {number} accounts have the public password for development. They cannot log in \
            in production. Delete them.\n"
        ),
    })
}

fn no_account(email: &str) -> String {
    format!("no account has the email address {email}. Check the spelling.")
}
