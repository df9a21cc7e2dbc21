//! `Idempotency-Key`: a request that is repeated with the same key is done once, and answered again
//! with what was answered the first time, for 24 hours.

use db::{Transaction, idempotency_keys as rows};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{auth::Writer, error::ApiError, text::IdempotencyKey};

/// A key, which is its account's own: others may use the same.
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn new(caller: &Writer, key: &IdempotencyKey) -> Self {
        Self(format!("{} {}", caller.0.account_id, key.0))
    }
}

/// The answer that was given to this request before, or none: then do the work in `transaction` and
/// [`keep`] the answer. Waits for another request with the same key that is at work.
///
/// # Errors
/// [`ApiError::KeyReused`] if the key came with another body.
pub(crate) async fn claim<T: DeserializeOwned>(
    transaction: &Transaction<'_>,
    operation: &str,
    key: &Key,
    body: &impl Serialize,
) -> Result<Option<T>, ApiError> {
    let mut ours = Sha256::new();
    ours.update(operation);
    ours.update(serde_json::to_vec(body)?);
    let ours = ours.finalize().to_vec();
    match rows::claim(transaction, &key.0, &ours).await? {
        rows::Claim::New => Ok(None),
        rows::Claim::Answered { fingerprint, .. } if fingerprint != ours => {
            Err(ApiError::KeyReused)
        }
        rows::Claim::Answered { answer, .. } => Ok(Some(serde_json::from_str(&answer)?)),
    }
}

/// Keeps the answer to the request that claimed `key`.
pub(crate) async fn keep(
    transaction: &Transaction<'_>,
    key: &Key,
    answer: &impl Serialize,
) -> Result<(), ApiError> {
    Ok(rows::keep(transaction, &key.0, &serde_json::to_string(answer)?).await?)
}
