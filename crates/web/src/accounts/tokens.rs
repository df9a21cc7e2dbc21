//! API tokens: long-lived tokens for programs, which their owner creates, lists and revokes.

use chrono::{DateTime, Utc};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, param::Path, types::Example};
use serde::{Deserialize, Serialize};
use store::{
    Database, accounts, audit,
    credentials::token,
    tokens::{self as rows, NewToken},
};
use uuid::Uuid;

use super::{deleted::or_unauthorized, sessions::MAX_SESSIONS, tags::Tags};
use crate::{
    auth::{Authenticator, Owner, TokenKind},
    error::{ApiError, ApiErrorOr, FieldError},
    examples,
    json::Json,
    responses::DeletedResponse,
    text::Line,
};

/// The maximum number of API tokens of an account that have not expired.
const MAX_TOKENS: usize = 50;

pub(crate) struct TokensApi {
    pub(crate) database: Database,
    pub(crate) authenticator: Authenticator,
}

#[OpenApi(tag = "Tags::Accounts")]
impl TokensApi {
    /// Create an API token
    ///
    /// Creates a token for a program. The token has your permissions, limited by its scope, but cannot manage sessions
    /// or tokens or change your account. Save the token, because no other response contains it. An account has at most
    /// 50 tokens.
    #[oai(path = "/tokens", method = "post", operation_id = "createToken")]
    async fn create(
        &self,
        caller: Owner,
        body: Json<CreateToken>,
    ) -> Result<CreateTokenResponse, ApiErrorOr<409>> {
        let CreateToken { name, scope, expires_at } = body.0;
        if expires_at.is_some_and(|at| at <= Utc::now()) {
            let error = FieldError::new("/expires_at".to_owned(), "must be in the future");
            return Err(ApiError::Invalid(vec![error]).into());
        }
        let token = token::generate();
        let new = NewToken {
            account_id: caller.0.account_id,
            hash: token::hash(token.expose()).expect("a new token is valid"),
            name: Some(name.0),
            scope: scope.into(),
            expires_at,
        };
        let created = store::retry(|| async {
            let transaction = self.database.begin().await?;
            // Another process may have deleted the account since the token was checked. The lock prevents concurrent
            // requests from exceeding the limit.
            accounts::lock(&transaction, caller.0.account_id).await.map_err(or_unauthorized)?;
            rows::trim(&transaction, caller.0.account_id, MAX_SESSIONS).await?;
            if rows::list(&transaction, caller.0.account_id, false).await?.len() >= MAX_TOKENS {
                let detail = "the account already has 50 API tokens. Revoke one of them.";
                return Err(ApiError::Conflict(vec![FieldError::new(String::new(), detail)]));
            }
            let stored = rows::insert(&transaction, new.clone()).await?;
            audit::record(&transaction, &caller.0.by("createToken"), "token", stored.id).await?;
            transaction.commit().await?;
            let token = Some(token.expose().to_owned());
            Ok(CreateTokenResponse::Created(Json(ApiToken { token, ..ApiToken::from(stored) })))
        });
        Ok(created.await?)
    }

    /// List your API tokens
    ///
    /// Returns the API tokens of your account that have not expired, oldest first. The response does not contain the
    /// secret `token`, because the server stores only its hash.
    #[oai(path = "/tokens", method = "get", operation_id = "listTokens")]
    async fn list(&self, caller: Owner) -> Result<Json<ApiTokenList>, ApiError> {
        let client = self.database.client().await?;
        let found = rows::list(&client, caller.0.account_id, false).await?;
        Ok(Json(ApiTokenList { items: found.into_iter().map(ApiToken::from).collect() }))
    }

    /// Revoke an API token
    ///
    /// Revokes one of your API tokens. The token becomes invalid immediately.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "revokeToken")]
    async fn revoke(
        &self,
        caller: Owner,
        /// The ID of the token.
        id: Path<Uuid>,
    ) -> Result<DeletedResponse, ApiError> {
        self.authenticator.revoke(&caller.0, "revokeToken", TokenKind::ApiToken, id.0).await
    }
}

/// A new API token.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
struct CreateToken {
    /// The purpose of the token, for example the name of the program.
    name: Line<100>,
    /// The scope, which limits the permissions of the token.
    scope: Scope,
    /// The time when the token expires. Must be in the future. If absent, the token does not expire.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<DateTime<Utc>>,
}

impl Example for CreateToken {
    fn example() -> Self {
        Self { name: Line("nightly import".to_owned()), scope: Scope::Write, expires_at: None }
    }
}

/// An API token.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
struct ApiToken {
    /// The ID of the token, a UUID of version 7.
    id: Uuid,
    /// The purpose of the token.
    name: String,
    /// The scope, which limits the permissions of the token.
    scope: Scope,
    /// The time of creation, in UTC.
    created_at: DateTime<Utc>,
    /// The time when the token expires, in UTC. Absent if the token does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    /// The secret token. Only present in the response that creates the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Example for ApiToken {
    fn example() -> Self {
        Self {
            id: examples::OTHER,
            name: "nightly import".to_owned(),
            scope: Scope::Write,
            created_at: examples::time(),
            expires_at: None,
            token: Some(examples::TOKEN.to_owned()),
        }
    }
}

/// A list of API tokens.
#[derive(Serialize, Object)]
#[oai(example)]
struct ApiTokenList {
    /// All API tokens of the account, oldest first.
    items: Vec<ApiToken>,
}

impl Example for ApiTokenList {
    fn example() -> Self {
        Self { items: vec![ApiToken { token: None, ..ApiToken::example() }] }
    }
}

/// The scope of a token, which limits its permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
enum Scope {
    /// May read.
    Read,
    /// May read and write.
    Write,
}

#[derive(ApiResponse)]
enum CreateTokenResponse {
    /// The new token
    #[oai(status = 201)]
    Created(Json<ApiToken>),
}

impl From<rows::Token> for ApiToken {
    fn from(row: rows::Token) -> Self {
        let rows::Token { id, name, scope, created_at, expires_at } = row;
        let scope = match scope {
            rows::Scope::Read => Scope::Read,
            rows::Scope::Write => Scope::Write,
        };
        Self { id, name: name.unwrap_or_default(), scope, created_at, expires_at, token: None }
    }
}

impl From<Scope> for rows::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Read,
            Scope::Write => Self::Write,
        }
    }
}
