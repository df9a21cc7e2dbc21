//! `Idempotency-Key`: a repeated request with the same key returns the first response again, for 24 hours.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use store::{Database, Transaction, audit::Actor, idempotency_keys as keys};

use crate::{error::ApiError, text::IdempotencyKey};

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
        let body = serde_json::to_vec(body).expect("bodies have text keys");
        let fingerprint = Sha256::new().chain_update(operation).chain_update(body).finalize();
        let key = format!("{} {}", by.account_id.unwrap_or_default(), key.0);
        Self { key, fingerprint: fingerprint.to_vec() }
    }

    /// Returns the stored response to this request as JSON, or `None` if there is none: then do the work in
    /// `transaction` and call [`Self::store_response`]. Waits for the same request if it is running.
    ///
    /// # Errors
    /// [`ApiError::KeyReused`] if the key came with another request.
    pub(crate) async fn stored_response(
        &self,
        transaction: &Transaction,
    ) -> Result<Option<String>, ApiError> {
        match keys::claim(transaction, &self.key, &self.fingerprint).await? {
            keys::Claim::New => Ok(None),
            keys::Claim::Answered { fingerprint, .. } if fingerprint != self.fingerprint => {
                Err(ApiError::KeyReused)
            }
            keys::Claim::Answered { answer, .. } => Ok(Some(answer)),
        }
    }

    /// Stores the response, as JSON.
    pub(crate) async fn store_response(
        &self,
        transaction: &Transaction,
        response: &str,
    ) -> Result<(), ApiError> {
        Ok(keys::keep(transaction, &self.key, response).await?)
    }
}

/// Does `work` in a transaction, once for each `request`, and returns its result. Without a request, it does the work
/// each time. Collisions with other transactions are retried.
///
/// # Errors
/// Those of `work`, and [`ApiError::KeyReused`].
pub async fn once<T: Serialize + DeserializeOwned, F: Future<Output = Result<T, ApiError>>>(
    database: &Database,
    request: Option<Request>,
    work: impl Fn(Arc<Transaction>) -> F,
) -> Result<T, ApiError> {
    store::retry(|| async {
        let transaction = Arc::new(database.begin().await?);
        if let Some(request) = &request
            && let Some(stored) = request.stored_response(&transaction).await?
        {
            return Ok(serde_json::from_str(&stored)?);
        }
        let done = work(transaction.clone()).await?;
        if let Some(request) = &request {
            request.store_response(&transaction, &serde_json::to_string(&done)?).await?;
        }
        let transaction = Arc::into_inner(transaction).expect("`work` has ended");
        transaction.commit().await?;
        Ok(done)
    })
    .await
}
