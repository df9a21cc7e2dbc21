//! The caller's own account.

use poem::web::RemoteAddr;
use poem_openapi::{ApiResponse, OpenApi};
use store::{Database, accounts as rows, audit, tokens};

use super::{
    deleted::or_unauthorized,
    tags::Tags,
    types::{Account, ChangePassword, UpdateOwnAccount},
};
use crate::{
    auth::{
        Authenticator, Owner, Reader, Throttle,
        passwords::{self, Place},
    },
    error::{ApiError, ApiErrorOr, FieldError},
    json::Json,
    text::EmailAddress,
};

pub(crate) struct MeApi {
    pub(crate) database: Database,
    pub(crate) authenticator: Authenticator,
    pub(crate) throttle: Throttle,
}

#[OpenApi(tag = "Tags::Accounts")]
impl MeApi {
    /// Get your account
    ///
    /// Returns the account of the token in the request.
    #[oai(path = "/accounts/me", method = "get", operation_id = "getOwnAccount")]
    async fn get(&self, caller: Reader) -> Result<Json<Account>, ApiError> {
        let client = self.database.client().await?;
        let account = rows::get(&client, caller.0.account_id).await.map_err(or_unauthorized)?;
        Ok(Json(account.into()))
    }

    /// Update your account
    ///
    /// Changes your name. Only admins can change roles. Requires a session token.
    #[oai(path = "/accounts/me", method = "patch", operation_id = "updateOwnAccount")]
    async fn update(
        &self,
        caller: Owner,
        body: Json<UpdateOwnAccount>,
    ) -> Result<Json<Account>, ApiError> {
        let id = caller.0.account_id;
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            let mut account = rows::lock(&transaction, id).await.map_err(or_unauthorized)?;
            account.name.clone_from(&body.0.name.0);
            let by = caller.0.by("updateOwnAccount");
            store::both(
                rows::update(&transaction, &account),
                audit::record(&transaction, &by, "account", id),
            )
            .await?;
            transaction.commit().await?;
            Ok(Json(account.into()))
        })
        .await
    }

    /// Change your password
    ///
    /// Changes your password and ends your other sessions. API tokens stay valid. Requires a session token. Returns
    /// 422 if the current password is wrong, and 429 after too many attempts.
    #[oai(path = "/accounts/me/password", method = "put", operation_id = "changePassword")]
    async fn change_password(
        &self,
        caller: Owner,
        address: &RemoteAddr,
        body: Json<ChangePassword>,
    ) -> Result<ChangedResponse, ApiErrorOr<429>> {
        let ChangePassword { current_password, new_password } = body.0;
        let id = caller.0.account_id;
        let known = {
            // The block returns the connection to the pool before the slow password hash.
            let client = self.database.client().await?;
            rows::get(&client, id).await.map_err(or_unauthorized)?
        };
        let place = Place::take()?;
        let email = EmailAddress::from(known.email.clone());
        self.throttle.attempt(&email, address).await?;
        let hash = Some(known.password_hash.clone());
        if !passwords::verify(&place, current_password.into(), hash).await {
            let error = FieldError::new("/current_password".to_owned(), "is wrong");
            return Err(ApiError::Invalid(vec![error]).into());
        }
        self.throttle.succeed(&email, address).await;
        let password_hash = passwords::hash(&place, new_password.into()).await;

        store::retry(|| async {
            let transaction = self.database.begin().await?;
            let mut account = rows::lock(&transaction, id).await.map_err(or_unauthorized)?;
            if account.password_hash != known.password_hash {
                // Another request has changed the password in the meantime, which also ended this session.
                return Err(ApiError::Unauthorized);
            }
            account.password_hash.clone_from(&password_hash);
            // Development accounts have a publicly known password. The new password of this account is secret.
            account.development = false;
            let by = caller.0.by("changePassword");
            store::both(
                rows::update(&transaction, &account),
                tokens::delete_other_sessions(&transaction, id, caller.0.token_id),
            )
            .await?;
            audit::record(&transaction, &by, "account", id).await?;
            self.authenticator.commit(transaction, id).await?;
            Ok(())
        })
        .await?;
        Ok(ChangedResponse::Changed)
    }
}

#[derive(ApiResponse)]
enum ChangedResponse {
    /// The password was changed
    #[oai(status = 204)]
    Changed,
}
