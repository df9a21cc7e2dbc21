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

use crate::{error::ApiError, redis_client::RedisClient, text::EmailAddress};

/// The period in which attempts are counted, from the first attempt.
const PERIOD: Duration = Duration::from_mins(15);
/// The limit of attempts on an account in a period. Unknown accounts count too.
const BY_ACCOUNT: u32 = 10;
/// The limit of attempts from one address in a period. Behind a proxy that is not in API_TRUSTED_PROXIES, all clients
/// share one address.
const BY_ADDRESS: u32 = 100;
/// The maximum number of accounts, and of addresses, that are counted in memory (about 6 MiB). If the maximum is
/// reached, attempts on other accounts or from other addresses are rejected, because removing a counter would allow
/// more guesses.
const MOST: usize = 50_000;
/// The minimum time between two searches for counters whose period has ended.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

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
    accounts: Arc<Counters>,
    addresses: Arc<Counters>,
    redis: RedisClient,
}

/// The hash of an account or an address.
pub(super) type Source = [u8; 32];

struct Attempts {
    number: u32,
    since: Instant,
}

/// The attempts on accounts, or from addresses, in this process.
struct Counters {
    /// The limit of attempts in a period.
    most: u32,
    attempts: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    by_source: HashMap<Source, Attempts>,
    swept: Option<Instant>,
}

impl Throttle {
    pub(crate) fn new(redis: RedisClient) -> Self {
        let counters = |most| Arc::new(Counters { most, attempts: Mutex::default() });
        Self { accounts: counters(BY_ACCOUNT), addresses: counters(BY_ADDRESS), redis }
    }

    /// Counts an attempt on an account. Call this before the password is verified, so that concurrent attempts count
    /// too. Counts the address first, so that attempts from a blocked address do not count for the account.
    ///
    /// # Errors
    /// Returns [`ApiError::TooManyAttempts`] if a limit is exceeded.
    pub(crate) async fn attempt(
        &self,
        email: &EmailAddress,
        from: &RemoteAddr,
    ) -> Result<(), ApiError> {
        self.attempt_from(from).await?;
        self.count(&self.accounts, account(email)).await
    }

    /// Counts an attempt without an account.
    ///
    /// # Errors
    /// Returns [`ApiError::TooManyAttempts`] if a limit is exceeded.
    pub(crate) async fn attempt_from(&self, from: &RemoteAddr) -> Result<(), ApiError> {
        let Some(source) = address(from) else { return Ok(()) };
        self.count(&self.addresses, source).await
    }

    /// Removes the attempts on an account after a successful log-in, and one attempt of its address.
    pub(crate) async fn succeed(&self, email: &EmailAddress, from: &RemoteAddr) {
        let (account, address) = (account(email), address(from));
        self.accounts.table().by_source.remove(&account);
        self.redis.query::<()>(redis::cmd("DEL").arg(key(account))).await;
        if let Some(address) = address {
            if let Some(attempts) = self.addresses.table().by_source.get_mut(&address) {
                attempts.number = attempts.number.saturating_sub(1);
            }
            let mut command = redis::cmd("EVAL");
            self.redis.query::<()>(command.arg(UNCOUNT).arg(1).arg(key(address))).await;
        }
    }

    async fn count(&self, counters: &Counters, source: Source) -> Result<(), ApiError> {
        counters.count(source)?;
        let mut command = redis::cmd("EVAL");
        command.arg(COUNT).arg(1).arg(key(source)).arg(counters.most).arg(PERIOD.as_secs());
        match self.redis.query(&command).await {
            None | Some(0) => Ok(()),
            Some(seconds) => Err(ApiError::TooManyAttempts { seconds }),
        }
    }
}

impl Counters {
    fn count(&self, source: Source) -> Result<(), ApiError> {
        let mut table = self.table();
        if table.by_source.len() >= MOST && !table.by_source.contains_key(&source) {
            table.sweep();
            if table.by_source.len() >= MOST {
                return Err(ApiError::TooManyAttempts { seconds: PERIOD.as_secs() });
            }
        }
        let none = || Attempts { number: 0, since: Instant::now() };
        let attempts = table.by_source.entry(source).or_insert_with(none);
        if attempts.since.elapsed() >= PERIOD {
            *attempts = none();
        }
        if attempts.number >= self.most {
            let seconds = PERIOD.saturating_sub(attempts.since.elapsed()).as_secs() + 1;
            return Err(ApiError::TooManyAttempts { seconds });
        }
        attempts.number += 1;
        Ok(())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Removes the counters whose period has ended.
    fn sweep(&mut self) {
        if self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP_INTERVAL) {
            self.by_source.retain(|_, attempts| attempts.since.elapsed() < PERIOD);
            self.swept = Some(Instant::now());
        }
    }
}

fn account(email: &EmailAddress) -> Source {
    Sha256::digest(format!("account {}", email.0)).into()
}

/// Returns the key in Redis, which does not reveal the account or the address.
fn key(source: Source) -> String {
    format!("slipway:attempts:{}", URL_SAFE_NO_PAD.encode(source))
}

/// Returns the address of a client. IPv6 clients count by their /64 prefix.
pub(super) fn address(from: &RemoteAddr) -> Option<Source> {
    let Addr::SocketAddr(address) = &from.0 else { return None };
    let address: IpAddr = match address.ip().to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    };
    Some(Sha256::digest(format!("address {address}")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> RemoteAddr {
        RemoteAddr(Addr::SocketAddr(address.parse().expect("an address")))
    }

    fn email(text: &str) -> EmailAddress {
        EmailAddress::from(text.to_owned())
    }

    #[tokio::test]
    async fn eleventh_attempt_on_an_account_is_rejected_from_any_address() {
        let throttle = Throttle::new(RedisClient::default());
        let ada = email("Ada@example.com");
        for number in 0..BY_ACCOUNT {
            let from = from(&format!("10.0.0.{number}:1"));
            assert!(throttle.attempt(&ada, &from).await.is_ok(), "{number}");
        }
        let from = from("10.0.1.1:1");
        assert!(throttle.attempt(&email("ada@example.com"), &from).await.is_err());
        assert!(throttle.attempt(&email("alan@example.com"), &from).await.is_ok());
        throttle.succeed(&email("ada@EXAMPLE.com"), &from).await;
        assert!(throttle.attempt(&ada, &from).await.is_ok());
    }

    #[tokio::test]
    async fn attempts_from_one_address_are_limited() {
        for (first, second) in [("10.0.0.1:1", "10.0.0.1:2"), ("[1:2:3:4::1]:1", "[1:2:3:4::2]:1")]
        {
            let throttle = Throttle::new(RedisClient::default());
            for number in 0..BY_ADDRESS {
                let guessed = throttle.attempt(&email(&number.to_string()), &from(first)).await;
                assert!(guessed.is_ok(), "{number}");
            }
            assert!(throttle.attempt(&email("more"), &from(second)).await.is_err(), "{second}");
            assert!(throttle.attempt(&email("more"), &from("10.0.0.2:1")).await.is_ok());
        }
    }

    #[tokio::test]
    async fn blocked_address_does_not_lock_out_an_account() {
        let throttle = Throttle::new(RedisClient::default());
        let (blocked, owner) = (from("10.0.0.1:1"), from("10.0.0.2:1"));
        for number in 0..BY_ADDRESS {
            assert!(throttle.attempt(&email(&number.to_string()), &blocked).await.is_ok());
        }
        for _ in 0..BY_ACCOUNT {
            assert!(throttle.attempt(&email("ada@example.com"), &blocked).await.is_err());
        }
        assert!(throttle.attempt(&email("ada@example.com"), &owner).await.is_ok());
    }

    #[test]
    fn full_table_rejects_new_sources_and_keeps_counting_known_ones() {
        let counters = Counters { most: 2, attempts: Mutex::default() };
        let source = |number: usize| Sha256::digest(number.to_string()).into();
        for number in 0..MOST {
            assert!(counters.count(source(number)).is_ok());
        }
        assert!(counters.count(source(MOST)).is_err());
        assert!(counters.count(source(0)).is_ok());
        assert!(counters.count(source(0)).is_err());
        assert_eq!(counters.table().by_source.len(), MOST);
        let ended = Instant::now().checked_sub(PERIOD).expect("the machine has run for a while");
        let mut table = counters.table();
        table.by_source.get_mut(&source(1)).expect("a known source").since = ended;
        table.swept = None;
        drop(table);
        assert!(counters.count(source(MOST)).is_ok());
    }
}
