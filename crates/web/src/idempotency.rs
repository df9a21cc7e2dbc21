//! `Idempotency-Key`: a repeated request with the same key returns the first response again, for 24 hours.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse,
    registry::{MetaResponses, Registry},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{Database, Transaction, audit::Actor, idempotency_keys as keys};
use tokio::time::sleep;

use crate::{error::ApiError, responses::RawResponse, text::IdempotencyKey};

/// The interval in which responses older than 24 hours are deleted.
const PURGE_INTERVAL: Duration = Duration::from_mins(10);

/// A request that a client may repeat.
pub struct Request {
    /// Begins with the account, so that accounts do not share keys.
    key: String,
    /// Distinguishes the request from others with the same key.
    fingerprint: Vec<u8>,
}

impl Request {
    /// Creates the request of an account for this operation with this body.
    pub fn new(by: &Actor, key: &IdempotencyKey, operation: &str, body: &impl Serialize) -> Self {
        let mut body = serde_json::to_value(body).expect("bodies have text keys");
        if let Some(fields) = body.as_object_mut() {
            // Absent fields are null here. Removing them keeps the fingerprint equal in a release with more optional
            // fields.
            fields.retain(|_, value| !value.is_null());
        }
        let body = body.to_string();
        let fingerprint = Sha256::new().chain_update(operation).chain_update(body).finalize();
        let key = format!("{} {}", by.account_id.unwrap_or_default(), key.0);
        Self { key, fingerprint: fingerprint.to_vec() }
    }

    /// Returns the stored response to this request. If it returns `None`, the caller must do the work in `transaction`
    /// and call [`Self::store_response`]. Waits if the same request is running.
    ///
    /// # Errors
    /// Returns [`ApiError::KeyReused`] if the key was used for another request.
    pub(crate) async fn stored_response(
        &self,
        transaction: &Transaction,
    ) -> Result<Option<RawResponse>, ApiError> {
        match keys::claim(transaction, &self.key, &self.fingerprint).await? {
            keys::Claim::New => Ok(None),
            keys::Claim::Answered { fingerprint, .. } if fingerprint != self.fingerprint => {
                Err(ApiError::KeyReused)
            }
            keys::Claim::Answered { response, .. } => Ok(Some(RawResponse::restore(response)?)),
        }
    }

    /// Stores the response.
    pub(crate) async fn store_response(
        &self,
        transaction: &Transaction,
        response: &RawResponse,
    ) -> Result<(), ApiError> {
        Ok(keys::keep(transaction, &self.key, &response.save()).await?)
    }
}

/// The response of [`once`]: a new response of type `R`, or the bytes of an earlier response.
pub struct Repeatable<R>(RawResponse, PhantomData<fn() -> R>);

impl<R> IntoResponse for Repeatable<R> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<R: ApiResponse> ApiResponse for Repeatable<R> {
    fn meta() -> MetaResponses {
        R::meta()
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}

/// Runs `work` in a transaction, once for each `request`, and returns its response. If `request` is `None`, runs `work`
/// in every case. Runs `work` again after a conflict with another transaction.
///
/// # Errors
/// Returns the errors of `work`, and [`ApiError::KeyReused`].
pub async fn once<R: IntoResponse, F: Future<Output = Result<R, ApiError>>>(
    database: &Database,
    request: Option<Request>,
    work: impl Fn(Arc<Transaction>) -> F,
) -> Result<Repeatable<R>, ApiError> {
    let response: Result<_, ApiError> = store::retry(|| async {
        let transaction = Arc::new(database.begin().await?);
        if let Some(request) = &request
            && let Some(stored) = request.stored_response(&transaction).await?
        {
            return Ok(stored);
        }
        let done = work(transaction.clone()).await?;
        let done = RawResponse::read(done.into_response()).await;
        if let Some(request) = &request {
            request.store_response(&transaction, &done).await?;
        }
        let transaction = Arc::into_inner(transaction).expect("`work` has ended");
        transaction.commit().await?;
        Ok(done)
    })
    .await;
    Ok(Repeatable(response?, PhantomData))
}

/// Deletes old responses from time to time. Never returns.
pub(crate) async fn purge(database: &Database) {
    let delete = async || keys::delete_old(&database.client().await?).await;
    loop {
        sleep(PURGE_INTERVAL).await;
        // An error ends the loop. The rest is deleted after the next interval.
        while delete().await.is_ok_and(|deleted| deleted == keys::DELETE_LIMIT) {}
    }
}
