//! Sessions: log-in, list and log-out.

mod types;

use std::time::Duration;

use chrono::Utc;
use poem::{Request, web::RemoteAddr};
use poem_openapi::{ApiResponse, OpenApi, param::Path};
use store::{
    Database, accounts,
    audit::{self, Actor},
    credentials::token,
    tokens::{self as rows, NewToken},
};
use uuid::Uuid;

use types::{LogIn, NewSession, Session, SessionList};

use super::tags::Tags;
use crate::{
    auth::{
        Authenticator, Owner, Throttle, TokenKind,
        passwords::{self, Place},
    },
    error::{ApiError, ApiErrorOr},
    json::Json,
    middleware::RequestId,
    responses::DeletedResponse,
    telemetry,
    text::Password,
};

/// The maximum number of sessions of an account.
pub(super) const MAX_SESSIONS: i64 = 50;

pub(crate) struct SessionsApi {
    pub(crate) database: Database,
    pub(crate) authenticator: Authenticator,
    pub(crate) throttle: Throttle,
    /// The lifetime of a session.
    pub(crate) lifetime: Duration,
}

#[OpenApi(tag = "Tags::Accounts")]
impl SessionsApi {
    /// Log in
    ///
    /// Creates a session and returns its token. Send the token with every request, as
    /// `Authorization: Bearer <token>`. Returns 401 if the email address or the password is wrong, and 429 after too
    /// many attempts. An account has at most 50 sessions. A log-in beyond this limit ends the oldest session.
    #[oai(path = "/sessions", method = "post", operation_id = "logIn")]
    async fn log_in(
        &self,
        request: &Request,
        address: &RemoteAddr,
        body: Json<LogIn>,
    ) -> Result<LogInResponse, ApiErrorOr<401, 429>> {
        let LogIn { email, password } = body.0;
        let place = Place::take()?;
        self.throttle.attempt(&email, address).await?;
        let known = self.authenticate(&place, &email.0, password).await?;
        self.throttle.succeed(&email, address).await;
        let request_id = RequestId::of(request);
        Ok(store::retry(|| self.begin(&known, &request_id)).await?)
    }

    /// List your sessions
    ///
    /// Returns the sessions of your account that have not expired, oldest first. Requires a session token.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    async fn list(&self, caller: Owner) -> Result<Json<SessionList>, ApiError> {
        let client = self.database.client().await?;
        let found = rows::list(&client, caller.0.account_id, true).await?;
        let session = |row: rows::Token| Session {
            id: row.id,
            current: row.id == caller.0.token_id,
            created_at: row.created_at,
            expires_at: row.expires_at.unwrap_or_default(),
        };
        Ok(Json(SessionList { items: found.into_iter().map(session).collect() }))
    }

    /// Log out
    ///
    /// Ends the session of this request. Its token becomes invalid immediately.
    #[oai(path = "/sessions/current", method = "delete", operation_id = "logOut")]
    async fn log_out(&self, caller: Owner) -> Result<DeletedResponse, ApiError> {
        match self
            .authenticator
            .revoke(&caller.0, "logOut", TokenKind::Session, caller.0.token_id)
            .await
        {
            // Another request has ended this session in the meantime.
            Err(ApiError::NotFound(_)) => Err(ApiError::Unauthorized),
            ended => ended,
        }
    }

    /// End a session
    ///
    /// Ends one of your sessions. Its token becomes invalid immediately. Requires a session token.
    #[oai(path = "/sessions/:id", method = "delete", operation_id = "endSession")]
    async fn end_one(
        &self,
        caller: Owner,
        /// The ID of the session.
        id: Path<Uuid>,
    ) -> Result<DeletedResponse, ApiError> {
        self.authenticator.revoke(&caller.0, "endSession", TokenKind::Session, id.0).await
    }
}

impl SessionsApi {
    /// Returns the account with this email address and password. A failure takes the same time for every reason.
    async fn authenticate(
        &self,
        place: &Place,
        email: &str,
        password: Password,
    ) -> Result<accounts::Account, ApiError> {
        let found = {
            // The block returns the connection to the pool before the slow password hash.
            let client = self.database.client().await?;
            accounts::find_by_email(&client, email).await?
        };
        let hash = found.as_ref().map(|account| account.password_hash.clone());
        let is_right = passwords::verify(place, password.into(), hash).await;
        let may = |account: &accounts::Account| {
            is_right && !account.disabled && !(account.development && self.authenticator.production)
        };
        found.filter(may).ok_or(ApiError::WrongPassword)
    }

    /// Creates a session, unless the account has changed since the password was verified.
    async fn begin(
        &self,
        known: &accounts::Account,
        request_id: &RequestId,
    ) -> Result<LogInResponse, ApiError> {
        let transaction = self.database.begin().await?;
        let account = accounts::lock(&transaction, known.id).await.map_err(wrong)?;
        if account.password_hash != known.password_hash {
            // The password was changed in the meantime, so the old password must not start a session.
            return Err(ApiError::WrongPassword);
        }
        telemetry::set_account(account.id);
        let token = token::generate();
        let hash = token::hash(token.expose()).expect("a new token is valid");
        let new = NewToken::session(account.id, hash, Utc::now() + self.lifetime);
        let (account_id, request_id) = (Some(account.id), Some(request_id.0.clone()));
        let by = Actor { account_id, token_id: None, action: "logIn", request_id };
        // The lock on the account prevents concurrent requests from exceeding the limit.
        let ended = rows::trim(&transaction, account.id, MAX_SESSIONS - 1).await?;
        let session = rows::insert(&transaction, new).await?;
        audit::record(&transaction, &by, "session", session.id).await?;
        if ended == 0 {
            transaction.commit().await?;
        } else {
            self.authenticator.commit(transaction, account.id).await?;
        }
        Ok(LogInResponse::Created(Json(NewSession {
            id: session.id,
            token: token.expose().to_owned(),
            expires_at: session.expires_at.unwrap_or_default(),
        })))
    }
}

#[derive(ApiResponse)]
enum LogInResponse {
    /// The new session and its token
    #[oai(status = 201)]
    Created(Json<NewSession>),
}

/// Maps a deleted account to the response for a wrong password, as for an account that never existed.
fn wrong(error: store::Error) -> ApiError {
    match error {
        store::Error::NotFound => ApiError::WrongPassword,
        error => error.into(),
    }
}
