//! Sign-up, and the management of accounts by admins.

use poem::{Request, web::RemoteAddr};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
};
use store::{
    Database, Transaction,
    accounts::{self as rows, NewAccount},
    audit::{self, Actor},
};
use uuid::Uuid;

use super::{
    tags::Tags,
    types::{Account, AccountPage, SignUp, UpdateAccount},
};
use crate::{
    auth::{
        self, Admin, AdminOrAnonymous, AdminSession, Authenticator, Throttle,
        passwords::{self, Place},
    },
    error::{ApiError, ApiErrorOr, DatabaseResult},
    json::Json,
    middleware::RequestId,
    resource::default_limit,
    responses::DeletedResponse,
};

pub(super) struct AccountsApi {
    pub(super) database: Database,
    pub(super) authenticator: Authenticator,
    pub(super) throttle: Throttle,
    /// True if anonymous clients can create an account.
    pub(super) sign_up: bool,
}

#[OpenApi(tag = "Tags::Accounts")]
impl AccountsApi {
    /// Sign up
    ///
    /// Creates an account with the role `member`. If sign-up is turned off on this server, the operation requires the
    /// session token of an admin. Returns 409 if the email address already has an account, and 429 after too many
    /// attempts.
    #[oai(path = "/accounts", method = "post", operation_id = "signUp")]
    async fn sign_up(
        &self,
        caller: AdminOrAnonymous,
        request: &Request,
        address: &RemoteAddr,
        body: Json<SignUp>,
    ) -> Result<SignUpResponse, ApiErrorOr<409, 429>> {
        let by = if self.sign_up {
            // The audit entry names the new account as the actor.
            let request_id = Some(RequestId::of(request).0);
            Actor { account_id: None, token_id: None, action: "signUp", request_id }
        } else {
            caller.0?.by("signUp")
        };
        Ok(self.create(by, address, body.0).await?)
    }

    /// List accounts
    ///
    /// Returns a page of accounts, oldest first. Requires the role `admin`. To get the following page, pass `next` of
    /// this page as `cursor`.
    #[oai(path = "/accounts", method = "get", operation_id = "listAccounts")]
    async fn list(
        &self,
        _caller: Admin,
        /// The maximum number of accounts in the page.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u32>,
        /// `next` of the previous page.
        cursor: Query<Option<Uuid>>,
    ) -> Result<Json<AccountPage>, ApiError> {
        let client = self.database.client().await?;
        // Reads one row more than requested. If this row exists, another page follows.
        let mut found = rows::list(&client, cursor.0, limit.0 + 1).await?;
        let is_last = found.len() <= limit.0 as usize;
        found.truncate(limit.0 as usize);
        let next = found.last().filter(|_| !is_last).map(|last| last.id);
        Ok(Json(AccountPage { items: found.into_iter().map(Account::from).collect(), next }))
    }

    /// Update an account
    ///
    /// Changes the role of an account, or disables it. A disabled account cannot log in, and its tokens are rejected.
    /// Requires the session token of an admin. Admins cannot change their own account, so at least one admin always
    /// remains.
    #[oai(path = "/accounts/:id", method = "patch", operation_id = "updateAccount")]
    async fn update(
        &self,
        caller: AdminSession,
        /// The ID of the account.
        id: Path<Uuid>,
        body: Json<UpdateAccount>,
    ) -> Result<Json<Account>, ApiError> {
        another(&caller, id.0)?;
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            let mut account = lock(&transaction, &caller, id.0).await?;
            account.role = body.0.role.map_or(account.role, rows::Role::from);
            account.disabled = body.0.disabled.unwrap_or(account.disabled);
            let by = caller.0.by("updateAccount");
            store::both(
                rows::update(&transaction, &account),
                audit::record(&transaction, &by, "account", id.0),
            )
            .await?;
            self.authenticator.commit(transaction, id.0).await?;
            Ok(Json(account.into()))
        })
        .await
    }

    /// Delete an account
    ///
    /// Deletes an account with its sessions and API tokens. Requires the session token of an admin. Admins cannot
    /// delete their own account.
    #[oai(path = "/accounts/:id", method = "delete", operation_id = "deleteAccount")]
    async fn delete(
        &self,
        caller: AdminSession,
        /// The ID of the account.
        id: Path<Uuid>,
    ) -> Result<DeletedResponse, ApiError> {
        another(&caller, id.0)?;
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            lock(&transaction, &caller, id.0).await?;
            let by = caller.0.by("deleteAccount");
            store::both(
                rows::delete(&transaction, id.0),
                audit::record(&transaction, &by, "account", id.0),
            )
            .await?;
            self.authenticator.commit(transaction, id.0).await?;
            Ok(DeletedResponse::Deleted)
        })
        .await
    }
}

impl AccountsApi {
    /// Creates an account with the role `member`. If `by` has no account, the audit entry names the new account as the
    /// actor.
    async fn create(
        &self,
        by: Actor,
        address: &RemoteAddr,
        SignUp { email, name, password }: SignUp,
    ) -> Result<SignUpResponse, ApiError> {
        let place = Place::take()?;
        self.throttle.attempt_from(address).await?;
        let password_hash = passwords::hash(&place, password.into()).await;
        let role = rows::Role::Member;
        let new = NewAccount { email: email.0, name: name.0, role, password_hash };
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            let account = rows::insert(&transaction, new.clone()).await;
            let account =
                account.on_constraint(rows::EMAIL_KEY, "/email", "already has an account")?;
            let by = Actor { account_id: by.account_id.or(Some(account.id)), ..by.clone() };
            audit::record(&transaction, &by, "account", account.id).await?;
            transaction.commit().await?;
            Ok(SignUpResponse::Created(Json(account.into())))
        })
        .await
    }
}

#[derive(ApiResponse)]
enum SignUpResponse {
    /// The new account
    #[oai(status = 201)]
    Created(Json<Account>),
}

fn another(caller: &AdminSession, id: Uuid) -> Result<(), ApiError> {
    if caller.0.account_id == id {
        return Err(ApiError::Forbidden("admins cannot change or delete their own account"));
    }
    Ok(())
}

/// Locks the account with this id and the account of the caller, and checks the role of the caller again. Otherwise,
/// two admins who demote each other at the same time would leave the API without an admin.
async fn lock(
    transaction: &Transaction,
    caller: &AdminSession,
    id: Uuid,
) -> Result<rows::Account, ApiError> {
    let found = rows::lock_both(transaction, caller.0.account_id, id).await;
    let (caller, account) = found.or_not_found("account")?;
    let caller = caller.filter(|caller| !caller.disabled).ok_or(ApiError::Unauthorized)?;
    if caller.role != rows::Role::Admin {
        return Err(ApiError::Forbidden(auth::ADMIN_REQUIRED));
    }
    Ok(account)
}
