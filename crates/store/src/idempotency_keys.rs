//! Stored responses of requests with an idempotency key, for clients that repeat a request.

use crate::{connection::Connection, error::Error, table::Json};

/// The number of rows that one call of [`delete_old`] deletes at most.
pub const DELETE_LIMIT: u64 = 1000;

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
        response: StoredResponse,
    },
}

/// A stored response.
#[derive(Debug)]
pub struct StoredResponse {
    /// The status.
    pub status: u16,
    /// The headers, as a JSON object of names and values.
    pub headers: String,
    /// The body.
    pub body: String,
}

// If the key exists, this query waits for the other transaction and returns its row. The UPDATE changes no value. If
// the returned row has no body, the key is new, because a transaction stores the row and the body together.
const CLAIM: &str = "\
-- store::idempotency_keys::claim
INSERT INTO idempotency_keys (key, fingerprint) VALUES ($1, $2)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE SET key = excluded.key
RETURNING fingerprint, status, headers::text, answer";

const KEEP: &str = "\
-- store::idempotency_keys::keep
UPDATE idempotency_keys SET status = $2, headers = $3, answer = $4 WHERE key = $1";

const DELETE_OLD: &str = "\
-- store::idempotency_keys::delete_old
DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
    ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
)";

/// Claims `key` for this transaction, or returns the stored response. Waits for a concurrent transaction with the same
/// key, so only one of two concurrent requests is handled.
pub async fn claim(
    transaction: &dyn Connection,
    key: &str,
    fingerprint: &[u8],
) -> Result<Claim, Error> {
    let row = transaction.query_one(CLAIM, &[&key, &fingerprint]).await?;
    let Some(body) = row.get("answer") else { return Ok(Claim::New) };
    let status = u16::try_from(row.get::<_, i16>("status")).unwrap_or_default();
    let response = StoredResponse { status, headers: row.get("headers"), body };
    Ok(Claim::Answered { fingerprint: row.get("fingerprint"), response })
}

/// Stores the response of the request that claimed `key`.
pub async fn keep(
    transaction: &dyn Connection,
    key: &str,
    response: &StoredResponse,
) -> Result<(), Error> {
    let StoredResponse { status, headers, body } = response;
    let status = i16::try_from(*status).unwrap_or_default();
    transaction.execute(KEEP, &[&key, &status, &Json(headers), body]).await?;
    Ok(())
}

/// Deletes up to [`DELETE_LIMIT`] responses that are older than 24 hours, and returns their number.
pub async fn delete_old(client: &dyn Connection) -> Result<u64, Error> {
    client.execute(DELETE_OLD, &[&DELETE_LIMIT.cast_signed()]).await
}
