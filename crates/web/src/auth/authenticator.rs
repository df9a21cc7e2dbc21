//! Verifies tokens in the database, and caches the result for a few seconds.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::Utc;
use quick_cache::unsync::Cache;
use store::{
    Database, Transaction, audit,
    credentials::token::{self, Hash},
    tokens::{self as rows, Holder},
};
use uuid::Uuid;

use super::caller::Caller;
use crate::{error::ApiError, redis_client::RedisClient, responses::DeletedResponse};

/// The time for which a result is cached. Without Redis, a token that another replica has revoked stays valid here for
/// this time. A token that this process has revoked is invalid immediately.
const CACHE_TTL: Duration = Duration::from_secs(5);

/// The Redis channel for the ids of accounts whose tokens or rights were revoked.
const REVOKED_CHANNEL: &str = "slipway:revoked";

/// The maximum number of cached tokens, of about 200 bytes each. Further tokens replace the least used tokens.
const CACHE_CAPACITY: usize = 10_000;

/// The kind of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Created by log-in.
    Session,
    /// An API token, which is created for a program.
    ApiToken,
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::ApiToken => "token",
        }
    }
}

/// Verifies tokens. Clones share the cache.
#[derive(Clone)]
pub struct Authenticator {
    database: Database,
    /// True if development accounts, whose password is public, are rejected.
    pub(crate) production: bool,
    cache: Arc<Mutex<TokenCache>>,
    pub(crate) redis: RedisClient,
}

struct TokenCache {
    holders: Cache<Hash, (Holder, Instant)>,
    /// The number of revocations so far.
    revocations: u64,
    /// Older results must be verified again, because revocations may have been missed.
    valid_from: Instant,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self { holders: Cache::new(CACHE_CAPACITY), revocations: 0, valid_from: Instant::now() }
    }
}

impl Authenticator {
    pub(crate) fn new(database: Database, production: bool, redis: RedisClient) -> Self {
        Self { database, production, cache: Arc::default(), redis }
    }

    /// Returns the account and the rights of a token.
    ///
    /// # Errors
    /// Returns [`ApiError::Unauthorized`] if the token is not valid.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Holder, ApiError> {
        let hash = token::hash(token).ok_or(ApiError::Unauthorized)?;
        let revocations = {
            let cache = self.cache();
            if let Some(holder) = cache.get(&hash) {
                return Ok(holder);
            }
            cache.revocations
        };
        let client = self.database.client().await?;
        let Some(holder) = rows::find_holder(&client, &hash).await? else {
            self.cache().holders.remove(&hash);
            return Err(ApiError::Unauthorized);
        };
        if holder.development && self.production {
            return Err(ApiError::Unauthorized);
        }
        self.cache().insert(hash, holder, revocations);
        Ok(holder)
    }

    /// Returns the account of a token that was valid when it was last verified, without asking the database.
    pub(crate) fn known_account(&self, hash: &Hash) -> Option<Uuid> {
        let cache = self.cache();
        let (holder, _) = cache.holders.peek(hash)?;
        is_current(holder).then_some(holder.account_id)
    }

    /// Revokes a session or an API token of the caller, effective immediately.
    ///
    /// # Errors
    /// Returns [`ApiError::NotFound`] if the caller does not have a token with this id.
    pub(crate) async fn revoke(
        &self,
        caller: &Caller,
        action: &'static str,
        kind: TokenKind,
        id: Uuid,
    ) -> Result<DeletedResponse, ApiError> {
        let (account, resource) = (caller.account_id, kind.as_str());
        store::retry(|| async {
            let transaction = self.database.begin().await?;
            let by = caller.by(action);
            store::both(
                rows::delete(&transaction, account, kind == TokenKind::Session, id),
                audit::record(&transaction, &by, resource, id),
            )
            .await
            .map_err(|error| match error {
                store::Error::NotFound => ApiError::NotFound(resource),
                error => error.into(),
            })?;
            self.commit(transaction, account).await?;
            Ok(DeletedResponse::Deleted)
        })
        .await
    }

    /// Commits a transaction that reduces the rights of an account, and removes the tokens of the account from the
    /// cache, here and in the other replicas.
    ///
    /// A task does both, because the database may commit although its response is lost or the request is cancelled.
    ///
    /// # Errors
    /// Returns the errors of [`Transaction::commit`].
    pub(crate) async fn commit(
        &self,
        transaction: Transaction,
        account: Uuid,
    ) -> Result<(), store::Error> {
        let authenticator = self.clone();
        let committed = tokio::spawn(async move {
            let committed = transaction.commit().await;
            authenticator.cache().forget(Some(account));
            authenticator.redis.publish(REVOKED_CHANNEL, account.to_string()).await;
            committed
        });
        committed.await.expect("the task is neither cancelled nor panics")
    }

    /// Applies the revocations of other replicas. Never returns.
    pub(crate) async fn follow_revocations(&self) {
        let forget = |message: Option<String>| {
            self.cache().forget(message.and_then(|account| account.parse().ok()));
        };
        self.redis.subscribe(REVOKED_CHANNEL, forget).await;
    }

    fn cache(&self) -> MutexGuard<'_, TokenCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenCache {
    fn get(&self, hash: &Hash) -> Option<Holder> {
        let (holder, since) = self.holders.get(hash)?;
        let is_fresh = *since >= self.valid_from && since.elapsed() < CACHE_TTL;
        (is_fresh && is_current(holder)).then_some(*holder)
    }

    /// Removes the tokens of an account. If the account is not known, all tokens must be verified again.
    fn forget(&mut self, account: Option<Uuid>) {
        self.revocations += 1;
        match account {
            Some(account) => self.holders.retain(|_, (holder, _)| holder.account_id != account),
            None => self.valid_from = Instant::now(),
        }
    }

    /// Stores a result of the database, unless a revocation happened during the query.
    fn insert(&mut self, hash: Hash, holder: Holder, revocations: u64) {
        if self.revocations != revocations {
            return;
        }
        self.holders.insert(hash, (holder, Instant::now()));
    }
}

/// Returns true if the token has not expired.
fn is_current(holder: &Holder) -> bool {
    holder.expires_at.is_none_or(|at| at > Utc::now())
}
