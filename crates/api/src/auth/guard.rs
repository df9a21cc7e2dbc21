//! Checks tokens: once in the database, then for a few seconds from memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::Utc;
use credentials::token::{self, Hash};
use db::{
    Database, audit,
    tokens::{self as rows, Holder},
};
use uuid::Uuid;

use super::Caller;
use crate::{answers::DeletedResponse, error::ApiError};

/// For how long the database is not asked again: what another server process revokes may be used
/// here for this long. What this process revokes ends at once.
const TRUST: Duration = Duration::from_secs(5);

/// Tokens in memory at most, about 200 bytes each.
const MOST: usize = 10_000;

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of who has logged in.
    Session,
    /// Of a machine.
    Token,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// Checks tokens.
#[derive(Clone)]
pub(crate) struct Guard {
    database: Database,
    /// Whether accounts are refused whose password everybody knows.
    pub(crate) production: bool,
    verified: Arc<Mutex<Verified>>,
}

#[derive(Default)]
struct Verified {
    holders: HashMap<Hash, (Holder, Instant)>,
    /// How often something was revoked.
    revocations: u64,
}

impl Guard {
    pub(crate) fn new(database: Database, production: bool) -> Self {
        Self { database, production, verified: Arc::default() }
    }

    /// For whom the token speaks.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] if it is none, or not any more.
    pub(crate) async fn holder(&self, token: &str) -> Result<Holder, ApiError> {
        let hash = token::hash(token).ok_or(ApiError::Unauthorized)?;
        let revocations = {
            let verified = self.verified();
            if let Some(holder) = verified.get(&hash) {
                return Ok(holder);
            }
            verified.revocations
        };
        let client = self.database.client().await?;
        let holder = rows::find_holder(&client, &hash).await?.ok_or(ApiError::Unauthorized)?;
        if holder.development && self.production {
            return Err(ApiError::Unauthorized);
        }
        self.verified().insert(hash, holder, revocations);
        Ok(holder)
    }

    /// Takes a session or a token from the caller who owns it. It is worth nothing from then on.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if the caller has none with this id.
    pub(crate) async fn revoke(
        &self,
        caller: &Caller,
        action: &'static str,
        kind: Kind,
        id: Uuid,
    ) -> Result<DeletedResponse, ApiError> {
        let (account, what) = (caller.account_id, kind.as_str());
        db::retry(|| async {
            let transaction = self.database.begin().await?;
            let by = caller.by(action);
            db::both(
                rows::delete(&transaction, account, kind == Kind::Session, id),
                audit::record(&transaction, &by, what, id),
            )
            .await
            .map_err(|error| match error {
                db::Error::NotFound => ApiError::NotFound(what),
                error => error.into(),
            })?;
            transaction.commit().await?;
            self.forget(account);
            Ok(DeletedResponse::Deleted)
        })
        .await
    }

    /// Asks the database again for the tokens of this account. To be called after every commit that
    /// takes something from it.
    pub(crate) fn forget(&self, account: Uuid) {
        let mut verified = self.verified();
        verified.revocations += 1;
        verified.holders.retain(|_, (holder, _)| holder.account_id != account);
    }

    fn verified(&self) -> MutexGuard<'_, Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verified {
    fn get(&self, hash: &Hash) -> Option<Holder> {
        let (holder, since) = self.holders.get(hash)?;
        let is_valid =
            since.elapsed() < TRUST && holder.expires_at.is_none_or(|at| at > Utc::now());
        is_valid.then_some(*holder)
    }

    /// Keeps what the database said, unless something was revoked while it was asked.
    fn insert(&mut self, hash: Hash, holder: Holder, revocations: u64) {
        if self.revocations != revocations {
            return;
        }
        if self.holders.len() >= MOST {
            self.holders.retain(|_, (_, since)| since.elapsed() < TRUST);
        }
        if self.holders.len() < MOST {
            self.holders.insert(hash, (holder, Instant::now()));
        }
    }
}
