//! Checks tokens: once in the database, then for a few seconds from memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::Utc;
use credentials::token::{self, Hash};
use store::{
    Database, audit,
    tokens::{self as rows, Holder},
};
use uuid::Uuid;

use super::Caller;
use crate::{answers::DeletedResponse, error::ApiError, shared_store::SharedStore};

/// For how long the database is not asked again: what another server process revokes may be used
/// here for this long if no Redis tells of it. What this process revokes ends at once.
const TRUST: Duration = Duration::from_secs(5);

/// Where Redis tells of accounts that something was taken from, by their id.
const REVOKED: &str = "slipway:revoked";

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
pub struct Guard {
    database: Database,
    /// Whether accounts are refused whose password everybody knows.
    pub(crate) production: bool,
    verified: Arc<Mutex<Verified>>,
    pub(crate) store: SharedStore,
}

#[derive(Default)]
struct Verified {
    holders: HashMap<Hash, (Holder, Instant)>,
    /// How often something was revoked.
    revocations: u64,
}

impl Guard {
    pub(crate) fn new(database: Database, production: bool, store: SharedStore) -> Self {
        Self { database, production, verified: Arc::default(), store }
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
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            let by = caller.by(action);
            store::both(
                rows::delete(&transaction, account, kind == Kind::Session, id),
                audit::record(&transaction, &by, what, id),
            )
            .await
            .map_err(|error| match error {
                store::Error::NotFound => ApiError::NotFound(what),
                error => error.into(),
            })?;
            transaction.commit().await?;
            self.forget(account).await;
            Ok(DeletedResponse::Deleted)
        })
        .await
    }

    /// Asks the database again for the tokens of this account, here and in the other processes. To be
    /// called after every commit that takes something from it.
    pub(crate) async fn forget(&self, account: Uuid) {
        self.verified().forget(Some(account));
        self.store.publish(REVOKED, account.to_string()).await;
    }

    /// Forgets what other processes tell to forget, for ever.
    pub(crate) async fn follow_others(&self) {
        let forget = |told: Option<String>| {
            self.verified().forget(told.and_then(|account| account.parse().ok()));
        };
        self.store.follow(REVOKED, forget).await;
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

    /// Forgets the tokens of this account, or of all if it is not known whose were revoked.
    fn forget(&mut self, account: Option<Uuid>) {
        self.revocations += 1;
        self.holders.retain(|_, (holder, _)| account.is_some_and(|it| holder.account_id != it));
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
