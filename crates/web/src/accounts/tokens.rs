//! API tokens: long-lived ones for machines, made, listed and revoked by their owner.

use chrono::{DateTime, Utc};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, param::Path, types::Example};
use serde::{Deserialize, Serialize};
use store::{
    Database, accounts, audit,
    credentials::token,
    tokens::{self as rows, NewToken},
};
use uuid::Uuid;

use super::{deleted::or_unauthorized, tags::Tags};
use crate::{
    auth::{Authenticator, Owner, TokenKind},
    error::{ApiError, FieldError},
    examples,
    json::Json,
    responses::DeletedResponse,
    text::Line,
};

pub(crate) struct TokensApi {
    pub(crate) database: Database,
    pub(crate) authenticator: Authenticator,
}

#[OpenApi(tag = "Tags::Accounts")]
impl TokensApi {
    /// Make an API token
    ///
    /// It may do what you may, within its scope; but it neither manages sessions and tokens nor
    /// changes your account.
    #[oai(path = "/tokens", method = "post", operation_id = "createToken")]
    async fn create(
        &self,
        caller: Owner,
        body: Json<CreateToken>,
    ) -> Result<CreateTokenResponse, ApiError> {
        let CreateToken { name, scope, expires_at } = body.0;
        if expires_at.is_some_and(|at| at <= Utc::now()) {
            let error = FieldError::new("/expires_at".to_owned(), "must be in the future");
            return Err(ApiError::Invalid(vec![error]));
        }
        let token = token::generate();
        let new = NewToken {
            account_id: caller.0.account_id,
            hash: token::hash(token.expose()).expect("it is a token"),
            name: Some(name.0),
            scope: scope.into(),
            expires_at,
        };
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            // Another process may have deleted the account since the token was checked.
            accounts::lock(&transaction, caller.0.account_id).await.map_err(or_unauthorized)?;
            let stored = rows::insert(&transaction, new.clone()).await?;
            audit::record(&transaction, &caller.0.by("createToken"), "token", stored.id).await?;
            transaction.commit().await?;
            let token = Some(token.expose().to_owned());
            Ok(CreateTokenResponse::Created(Json(ApiToken { token, ..ApiToken::from(stored) })))
        })
        .await
    }

    /// List your API tokens
    ///
    /// What they are for and may do; the tokens themselves are not kept.
    #[oai(path = "/tokens", method = "get", operation_id = "listTokens")]
    async fn list(&self, caller: Owner) -> Result<Json<ApiTokenList>, ApiError> {
        let client = self.database.client().await?;
        let found = rows::list(&client, caller.0.account_id, false).await?;
        Ok(Json(ApiTokenList { items: found.into_iter().map(ApiToken::from).collect() }))
    }

    /// Revoke an API token
    ///
    /// It is worthless from now on.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "revokeToken")]
    async fn revoke(
        &self,
        caller: Owner,
        /// The token's id.
        id: Path<Uuid>,
    ) -> Result<DeletedResponse, ApiError> {
        self.authenticator.revoke(&caller.0, "revokeToken", TokenKind::ApiToken, id.0).await
    }
}

/// An API token to be made.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
struct CreateToken {
    /// What it is for.
    name: Line<100>,
    /// What it may be used for.
    scope: Scope,
    /// From when on it is worthless; never if absent.
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
    /// A UUID of version 7.
    id: Uuid,
    /// What it is for.
    name: String,
    /// What it may be used for.
    scope: Scope,
    /// When it was made, in UTC.
    created_at: DateTime<Utc>,
    /// From when on it is worthless, in UTC; never if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    /// The token itself, in the answer to the request that made it and never again.
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

/// API tokens, by creation.
#[derive(Serialize, Object)]
#[oai(example)]
struct ApiTokenList {
    /// All of them; there are few.
    items: Vec<ApiToken>,
}

impl Example for ApiTokenList {
    fn example() -> Self {
        Self { items: vec![ApiToken { token: None, ..ApiToken::example() }] }
    }
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
enum Scope {
    /// To read.
    Read,
    /// To read and to write.
    Write,
}

#[derive(ApiResponse)]
enum CreateTokenResponse {
    /// The token
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
