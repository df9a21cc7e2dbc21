//! `Idempotency-Key`: a request that is repeated with the same key is done once, and answered again
//! with what was answered the first time, for 24 hours.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use store::{Transaction, idempotency_keys as rows};

use crate::{auth::Writer, error::ApiError, text::IdempotencyKey};

/// A request that may come again.
pub struct Request {
    /// Its account's own: others may use the same.
    key: String,
    /// Tells it from another request with the same key.
    fingerprint: Vec<u8>,
}

impl Request {
    /// The caller's request for this operation with this body.
    ///
    /// # Errors
    /// The body is no JSON.
    pub fn new(
        caller: &Writer,
        key: &IdempotencyKey,
        operation: &str,
        body: &impl Serialize,
    ) -> Result<Self, ApiError> {
        let fingerprint = Sha256::new()
            .chain_update(operation)
            .chain_update(serde_json::to_vec(body)?)
            .finalize()
            .to_vec();
        Ok(Self { key: format!("{} {}", caller.0.account_id, key.0), fingerprint })
    }

    /// What was answered to this request before, or none: then do the work in `transaction` and
    /// [`Self::keep`] the answer. Waits for the same request that is at work.
    ///
    /// # Errors
    /// [`ApiError::KeyReused`] if the key came with another request.
    pub async fn answered<T: DeserializeOwned>(
        &self,
        transaction: &Transaction,
    ) -> Result<Option<T>, ApiError> {
        match rows::claim(transaction, &self.key, &self.fingerprint).await? {
            rows::Claim::New => Ok(None),
            rows::Claim::Answered { fingerprint, .. } if fingerprint != self.fingerprint => {
                Err(ApiError::KeyReused)
            }
            rows::Claim::Answered { answer, .. } => Ok(Some(serde_json::from_str(&answer)?)),
        }
    }

    /// Keeps the answer.
    pub async fn keep(
        &self,
        transaction: &Transaction,
        answer: &impl Serialize,
    ) -> Result<(), ApiError> {
        Ok(rows::keep(transaction, &self.key, &serde_json::to_string(answer)?).await?)
    }
}
