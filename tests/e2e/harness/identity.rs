//! Accounts of the tests, inserted directly into the database to save the time of hashing passwords.

use db::Client;
use store::credentials::token;
use uuid::Uuid;

/// An account, and the token of its session.
pub(crate) struct Identity {
    pub(crate) account: Uuid,
    pub(crate) token: String,
    role: &'static str,
}

/// A row of the table `tokens`, by default a session.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: Option<&'static str>,
    pub(crate) scope: &'static str,
    /// The number of hours until the token expires.
    pub(crate) hours: i32,
}

pub(crate) const SESSION: Row = Row { name: None, scope: "write", hours: 1 };

impl Identity {
    pub(crate) fn new(role: &'static str) -> Self {
        let token = token::generate().expose().to_owned();
        Self { account: Uuid::now_v7(), token, role }
    }

    /// Inserts the account and its session, unless they exist.
    pub(crate) async fn store(&self, client: &Client) {
        let account = "INSERT INTO accounts (id, email, name, role, password_hash) \
            VALUES ($1, $2, $3, $3, 'none') ON CONFLICT DO NOTHING";
        let email = format!("{}@tests.example", self.account);
        client.execute(account, &[&self.account, &email, &self.role]).await.expect("a table");
        self.store_token(client, &self.token, SESSION).await;
    }

    /// Inserts another token of this account.
    pub(crate) async fn issue(&self, client: &Client, row: Row) -> String {
        let token = token::generate().expose().to_owned();
        self.store_token(client, &token, row).await;
        token
    }

    async fn store_token(&self, client: &Client, token: &str, row: Row) {
        let query = "INSERT INTO tokens (id, account_id, hash, name, scope, expires_at) \
            VALUES (gen_random_uuid(), $1, $2, $3, $4, now() + make_interval(hours => $5)) \
            ON CONFLICT DO NOTHING";
        let hash = token::hash(token).expect("a token").to_vec();
        client
            .execute(query, &[&self.account, &hash, &row.name, &row.scope, &row.hours])
            .await
            .expect("a table");
    }
}
