//! Answers kept for requests that may be repeated.

use crate::{
    connection::{Connection, both},
    error::Error,
};

/// What is known of a key.
#[derive(Debug)]
pub enum Claim {
    /// It is new, and now this transaction's: do the work, then [`keep`] the answer.
    New,
    /// A request with this fingerprint had this answer.
    Answered {
        /// What was given to [`claim`] the first time.
        fingerprint: Vec<u8>,
        /// What was given to [`keep`].
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

/// Claims `key` for this transaction, or tells what was answered to it. Another transaction that has
/// claimed it and is not done is waited for: two at once never both do the work.
///
/// Each call forgets some answers that are older than a day, more than it adds.
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

/// Keeps the answer to the request that claimed `key`.
pub async fn keep(transaction: &dyn Connection, key: &str, answer: &str) -> Result<(), Error> {
    transaction.execute(KEEP, &[&key, &answer]).await?;
    Ok(())
}
