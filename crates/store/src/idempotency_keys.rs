//! Stored responses of requests with an idempotency key, for clients that repeat a request.

use crate::{
    connection::{Connection, both},
    error::Error,
};

/// The result of [`claim`].
#[derive(Debug)]
pub enum Claim {
    /// The key is new. The transaction handles the request and then stores the response with [`keep`].
    New,
    /// The key was used before.
    Answered {
        /// The fingerprint of the first request.
        fingerprint: Vec<u8>,
        /// The stored response of the first request.
        answer: String,
    },
}

const CLAIM: &str = "\
-- store::idempotency_keys::claim
INSERT INTO idempotency_keys (key, fingerprint) VALUES ($1, $2)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING";

const FIND: &str = "\
-- store::idempotency_keys::find
SELECT fingerprint, answer FROM idempotency_keys WHERE key = $1";

const KEEP: &str = "\
-- store::idempotency_keys::keep
UPDATE idempotency_keys SET answer = $2 WHERE key = $1";

const DELETE_OLD: &str = "\
-- store::idempotency_keys::delete_old
DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
    ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED
)";

/// Claims `key` for this transaction, or returns the stored response. Waits for a concurrent transaction with the same
/// key, so only one of two concurrent requests is handled.
///
/// Each call also deletes up to ten responses that are older than a day.
pub async fn claim(
    transaction: &dyn Connection,
    key: &str,
    fingerprint: &[u8],
) -> Result<Claim, Error> {
    let (_, claimed) = both(
        transaction.execute(DELETE_OLD, &[]),
        transaction.execute(CLAIM, &[&key, &fingerprint]),
    )
    .await?;
    if claimed == 1 {
        return Ok(Claim::New);
    }
    let row = transaction.query_one(FIND, &[&key]).await?;
    Ok(Claim::Answered { fingerprint: row.get("fingerprint"), answer: row.get("answer") })
}

/// Stores the response of the request that claimed `key`.
pub async fn keep(transaction: &dyn Connection, key: &str, answer: &str) -> Result<(), Error> {
    transaction.execute(KEEP, &[&key, &answer]).await?;
    Ok(())
}
