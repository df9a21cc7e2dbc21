//! Limits the number of password attempts, by account and by client address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use poem::{Addr, web::RemoteAddr};
use sha2::{Digest, Sha256};

use crate::{error::ApiError, redis_client::RedisClient};

/// The period in which attempts are counted, from the first attempt.
const PERIOD: Duration = Duration::from_mins(15);
/// The limit of attempts on an account in a period. Unknown accounts count too.
const BY_ACCOUNT: u32 = 10;
/// The limit of attempts from one address in a period. Behind a proxy that is not in API_TRUSTED_PROXIES, all clients
/// share one address.
const BY_ADDRESS: u32 = 100;
/// The maximum number of accounts and addresses in memory. The oldest are removed first.
const MOST: usize = 10_000;

/// Counts an attempt. Returns 0, or the seconds until the next attempt is allowed.
const COUNT: &str = "
    local number = tonumber(redis.call('GET', KEYS[1]) or 0)
    if number >= tonumber(ARGV[1]) then return redis.call('TTL', KEYS[1]) + 1 end
    redis.call('INCR', KEYS[1])
    if number == 0 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
    return 0";
/// Removes one attempt.
const UNCOUNT: &str = "
    if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then redis.call('DECR', KEYS[1]) end";

/// Counts attempts, in this process and in the Redis that replicas share. Each of the two can reject an attempt, so a
/// Redis that fails or loses its data does not permit further attempts.
#[derive(Clone)]
pub(crate) struct Throttle {
    sources: Arc<Mutex<HashMap<Source, Attempts>>>,
    redis: RedisClient,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    /// An account, by its email address in lower case.
    Account(String),
    Address(IpAddr),
}

struct Attempts {
    number: u32,
    since: Instant,
}

impl Source {
    /// Returns the key in Redis, which does not reveal the address.
    fn key(&self) -> String {
        let text = match self {
            Self::Account(email) => format!("account {email}"),
            Self::Address(address) => format!("address {address}"),
        };
        format!("slipway:attempts:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
    }
}

impl Throttle {
    pub(crate) fn new(redis: RedisClient) -> Self {
        Self { sources: Arc::default(), redis }
    }

    /// Counts an attempt on an account, before the password is verified: concurrent attempts count too.
    ///
    /// # Errors
    /// Returns [`ApiError::TooManyAttempts`] if a limit is exceeded.
    pub(crate) async fn attempt(&self, email: &str, from: &RemoteAddr) -> Result<(), ApiError> {
        self.count(Source::Account(email.to_lowercase()), BY_ACCOUNT).await?;
        self.attempt_from(from).await
    }

    /// Counts an attempt without an account.
    ///
    /// # Errors
    /// Returns [`ApiError::TooManyAttempts`] if a limit is exceeded.
    pub(crate) async fn attempt_from(&self, from: &RemoteAddr) -> Result<(), ApiError> {
        let Some(source) = address(from) else { return Ok(()) };
        self.count(source, BY_ADDRESS).await
    }

    /// Removes the attempts on an account after a successful log-in, and one attempt of its address.
    pub(crate) async fn succeed(&self, email: &str, from: &RemoteAddr) {
        let (account, address) = (Source::Account(email.to_lowercase()), address(from));
        {
            let mut sources = self.sources();
            sources.remove(&account);
            if let Some(attempts) = address.as_ref().and_then(|source| sources.get_mut(source)) {
                attempts.number = attempts.number.saturating_sub(1);
            }
        }
        self.redis.query::<()>(redis::cmd("DEL").arg(account.key())).await;
        if let Some(address) = address {
            let mut command = redis::cmd("EVAL");
            self.redis.query::<()>(command.arg(UNCOUNT).arg(1).arg(address.key())).await;
        }
    }

    async fn count(&self, source: Source, most: u32) -> Result<(), ApiError> {
        let key = source.key();
        self.count_here(source, most)?;
        let mut command = redis::cmd("EVAL");
        command.arg(COUNT).arg(1).arg(key).arg(most).arg(PERIOD.as_secs());
        match self.redis.query(&command).await {
            None | Some(0) => Ok(()),
            Some(seconds) => Err(ApiError::TooManyAttempts { seconds }),
        }
    }

    fn count_here(&self, source: Source, most: u32) -> Result<(), ApiError> {
        let mut sources = self.sources();
        if sources.len() >= MOST {
            sources.retain(|_, attempts| attempts.since.elapsed() < PERIOD);
            let oldest = sources.iter().min_by_key(|(_, attempts)| attempts.since);
            if let Some(oldest) = oldest.map(|(source, _)| source.clone())
                && sources.len() >= MOST
            {
                sources.remove(&oldest);
            }
        }
        let none = || Attempts { number: 0, since: Instant::now() };
        let attempts = sources.entry(source).or_insert_with(none);
        if attempts.since.elapsed() >= PERIOD {
            *attempts = none();
        }
        if attempts.number >= most {
            let seconds = PERIOD.saturating_sub(attempts.since.elapsed()).as_secs() + 1;
            return Err(ApiError::TooManyAttempts { seconds });
        }
        attempts.number += 1;
        Ok(())
    }

    fn sources(&self) -> MutexGuard<'_, HashMap<Source, Attempts>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the address of a client. IPv6 clients count by their /64 prefix.
fn address(from: &RemoteAddr) -> Option<Source> {
    let Addr::SocketAddr(address) = &from.0 else { return None };
    Some(Source::Address(match address.ip().to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> RemoteAddr {
        RemoteAddr(Addr::SocketAddr(address.parse().expect("an address")))
    }

    #[tokio::test]
    async fn eleventh_attempt_on_an_account_is_rejected_from_any_address() {
        let throttle = Throttle::new(RedisClient::default());
        for number in 0..BY_ACCOUNT {
            let from = from(&format!("10.0.0.{number}:1"));
            assert!(throttle.attempt("Ada@example.com", &from).await.is_ok(), "{number}");
        }
        assert!(throttle.attempt("ada@example.com", &from("10.0.1.1:1")).await.is_err());
        assert!(throttle.attempt("alan@example.com", &from("10.0.1.1:1")).await.is_ok());
        throttle.succeed("ada@EXAMPLE.com", &from("10.0.1.1:1")).await;
        assert!(throttle.attempt("ada@example.com", &from("10.0.1.1:1")).await.is_ok());
    }

    #[tokio::test]
    async fn attempts_from_one_address_are_limited() {
        for (first, second) in [("10.0.0.1:1", "10.0.0.1:2"), ("[1:2:3:4::1]:1", "[1:2:3:4::2]:1")]
        {
            let throttle = Throttle::new(RedisClient::default());
            for number in 0..BY_ADDRESS {
                assert!(
                    throttle.attempt(&number.to_string(), &from(first)).await.is_ok(),
                    "{number}"
                );
            }
            assert!(throttle.attempt("one more", &from(second)).await.is_err(), "{second}");
            assert!(throttle.attempt("one more", &from("10.0.0.2:1")).await.is_ok());
        }
    }

    #[test]
    fn number_of_counters_is_limited() {
        let throttle = Throttle::new(RedisClient::default());
        for number in 0..=MOST {
            assert!(throttle.count_here(Source::Account(number.to_string()), 1).is_ok());
        }
        assert_eq!(throttle.sources().len(), MOST);
    }
}
