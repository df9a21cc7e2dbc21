//! Limits the requests of each account, and of each address that sends requests without a known token.

use std::{convert::Infallible, num::NonZeroU32, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use config::ServerConfig;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};
use poem::{
    Request,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use poem_openapi::auth::{Bearer, BearerAuthorization};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use store::credentials::token;

use super::{
    Authenticator,
    throttle::{Source, address},
};
use crate::{error::ApiError, middleware::is_preflight, redis_client::RedisClient};

/// The maximum number of accounts, and of addresses, in memory: about 10 MiB. Beyond it, the least used are deleted.
const CAPACITY: usize = 50_000;
/// The period of the limits.
const MINUTE: Duration = Duration::from_mins(1);

/// Counts a request, as `governor` does in this process (GCRA). Returns the number of requests that may follow at once,
/// or the negative number of milliseconds until the next request is allowed. Stores the time at which the whole limit
/// is available again, in milliseconds.
const COUNT: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000 + time[2] / 1000
    local interval, period = ARGV[1] / ARGV[2], tonumber(ARGV[1])
    local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
    if full > now + period then return math.floor(now + period - full) end
    redis.call('SET', KEYS[1], full, 'PX', math.ceil(full - now))
    return math.floor((now + period - full) / interval)";

/// The draft draft-ietf-httpapi-ratelimit-headers defines both headers.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The rate limits of the API, in this process and in the Redis that replicas share. Each of the two can reject a
/// request.
pub(crate) struct RateLimits {
    by_token: Option<Limit>,
    by_address: Option<Limit>,
    redis: RedisClient,
}

type Bucket = DefaultDirectRateLimiter<StateInformationMiddleware>;

struct Limit {
    /// The name of the limit in the headers.
    name: &'static str,
    per_minute: NonZeroU32,
    buckets: Cache<Source, Arc<Bucket>>,
}

/// The state of a limit after a request.
pub(crate) struct Usage {
    name: &'static str,
    per_minute: u32,
    /// The number of requests that may follow at once.
    remaining: u32,
    /// The time until the next request is allowed, if this one is not.
    wait: Option<Duration>,
}

impl RateLimits {
    pub(crate) fn new(config: &ServerConfig, redis: RedisClient) -> Self {
        let limit = |name, per_minute: Option<NonZeroU32>| {
            per_minute.map(|per_minute| Limit { name, per_minute, buckets: Cache::new(CAPACITY) })
        };
        Self {
            by_token: limit("token", config.token_rate_limit),
            by_address: limit("address", config.address_rate_limit),
            redis,
        }
    }

    /// Counts a request. Returns `None` if no limit applies.
    ///
    /// All tokens of an account count together. A token that this process has not verified yet counts for its address,
    /// so that invalid tokens do not avoid the limit. Health checks and CORS preflights are not limited.
    pub(crate) async fn count(
        &self,
        request: &Request,
        authenticator: &Authenticator,
    ) -> Option<Usage> {
        if self.by_token.is_none() && self.by_address.is_none()
            || request.uri().path().starts_with("/health/")
            || is_preflight(request)
        {
            return None;
        }
        let token = Bearer::from_request(request).ok().and_then(|it| token::hash(&it.token));
        let (limit, source) = match token.and_then(|hash| authenticator.known_account(&hash)) {
            Some(account) => {
                (self.by_token.as_ref()?, Sha256::digest(format!("account {account}")).into())
            }
            None => (self.by_address.as_ref()?, address(request.remote_addr())?),
        };
        let usage = limit.count(source);
        if usage.wait.is_some() {
            return Some(usage);
        }
        let mut command = redis::cmd("EVAL");
        let key = format!("slipway:requests:{}", URL_SAFE_NO_PAD.encode(source));
        command.arg(COUNT).arg(1).arg(key).arg(1000 * MINUTE.as_secs()).arg(usage.per_minute);
        match self.redis.query::<i64>(&command).await {
            None => Some(usage),
            Some(shared) => Some(usage.and_shared(shared)),
        }
    }
}

impl Limit {
    fn count(&self, source: Source) -> Usage {
        let new =
            || Arc::new(RateLimiter::direct(Quota::per_minute(self.per_minute)).with_middleware());
        let bucket: Result<_, Infallible> = self.buckets.get_or_insert_with(&source, || Ok(new()));
        let Ok(bucket) = bucket;
        let (remaining, wait) = match bucket.check() {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(DefaultClock::default().now()))),
        };
        Usage { name: self.name, per_minute: self.per_minute.get(), remaining, wait }
    }
}

impl Usage {
    /// Combines the state in this process with the result of [`COUNT`].
    fn and_shared(self, shared: i64) -> Self {
        if shared < 0 {
            return Self {
                wait: Some(Duration::from_millis(shared.unsigned_abs())),
                remaining: 0,
                ..self
            };
        }
        let shared = u32::try_from(shared).unwrap_or(u32::MAX);
        Self { remaining: self.remaining.min(shared), ..self }
    }

    /// Returns an error if the request is not allowed.
    ///
    /// # Errors
    /// Returns [`ApiError::TooManyRequests`].
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match self.wait {
            Some(wait) => Err(ApiError::TooManyRequests { seconds: ceil(wait) }),
            None => Ok(()),
        }
    }

    /// Adds the headers with the limit, the remaining requests, and the seconds until more are allowed.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        let Self { name, per_minute, remaining, wait } = self;
        // Requests return to the quota at regular intervals.
        let used = per_minute - remaining;
        let reset = wait.map_or_else(|| ceil(MINUTE * used / *per_minute), ceil);
        let policy = format!("\"{name}\";q={per_minute};w={}", MINUTE.as_secs());
        let state = format!("\"{name}\";r={remaining};t={reset}");
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            headers.insert(name, HeaderValue::try_from(value).expect("ASCII"));
        }
    }
}

/// Returns a time in seconds, at least 1.
fn ceil(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
