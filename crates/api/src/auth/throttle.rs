//! Limits how often passwords may be guessed: by account, and by where the guesses come from.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use poem::{Addr, web::RemoteAddr};

use crate::error::ApiError;

/// For how long attempts count, from the first one on.
const PERIOD: Duration = Duration::from_mins(15);
/// How many attempts an account, known or not, may see in that time.
const BY_ACCOUNT: u32 = 10;
/// How many may come from one address. Behind a proxy that API_TRUSTED_PROXIES does not name, all
/// clients together are one address.
const BY_ADDRESS: u32 = 100;
/// How many accounts and addresses are remembered; beyond that, the oldest are forgotten.
const MOST: usize = 10_000;

/// Counts attempts, in this process.
#[derive(Clone, Default)]
pub(crate) struct Throttle(Arc<Mutex<HashMap<Source, Attempts>>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    /// By e-mail address, in lower case.
    Account(String),
    Address(IpAddr),
}

struct Attempts {
    number: u32,
    since: Instant,
}

impl Throttle {
    /// Counts an attempt on this account before it is made, so that many at once gain nothing.
    ///
    /// # Errors
    /// [`ApiError::TooManyAttempts`] if there were too many.
    pub(crate) fn attempt(&self, email: &str, from: &RemoteAddr) -> Result<(), ApiError> {
        self.count(Source::Account(email.to_lowercase()), BY_ACCOUNT)?;
        self.attempt_from(from)
    }

    /// Counts an attempt that is not on any account.
    ///
    /// # Errors
    /// [`ApiError::TooManyAttempts`] if there were too many.
    pub(crate) fn attempt_from(&self, from: &RemoteAddr) -> Result<(), ApiError> {
        address(from).map_or(Ok(()), |source| self.count(source, BY_ADDRESS))
    }

    /// Forgets the attempts on an account whose owner has come, and that one of this address.
    pub(crate) fn succeed(&self, email: &str, from: &RemoteAddr) {
        let mut sources = self.sources();
        sources.remove(&Source::Account(email.to_lowercase()));
        if let Some(attempts) = address(from).and_then(|source| sources.get_mut(&source)) {
            attempts.number = attempts.number.saturating_sub(1);
        }
    }

    fn count(&self, source: Source, most: u32) -> Result<(), ApiError> {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An IPv6 client has at least a whole /64 of addresses.
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

    #[test]
    fn the_eleventh_guess_at_an_account_is_refused_wherever_it_comes_from() {
        let throttle = Throttle::default();
        for number in 0..BY_ACCOUNT {
            let from = from(&format!("10.0.0.{number}:1"));
            assert!(throttle.attempt("Ada@example.com", &from).is_ok(), "{number}");
        }
        assert!(throttle.attempt("ada@example.com", &from("10.0.1.1:1")).is_err());
        assert!(throttle.attempt("alan@example.com", &from("10.0.1.1:1")).is_ok());
        throttle.succeed("ada@EXAMPLE.com", &from("10.0.1.1:1"));
        assert!(throttle.attempt("ada@example.com", &from("10.0.1.1:1")).is_ok());
    }

    #[test]
    fn an_address_cannot_try_many_accounts() {
        for (first, second) in [("10.0.0.1:1", "10.0.0.1:2"), ("[1:2:3:4::1]:1", "[1:2:3:4::2]:1")]
        {
            let throttle = Throttle::default();
            for number in 0..BY_ADDRESS {
                assert!(throttle.attempt(&number.to_string(), &from(first)).is_ok(), "{number}");
            }
            assert!(throttle.attempt("one more", &from(second)).is_err(), "{second}");
            assert!(throttle.attempt("one more", &from("10.0.0.2:1")).is_ok());
        }
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for number in 0..=MOST {
            assert!(throttle.count(Source::Account(number.to_string()), 1).is_ok());
        }
        assert_eq!(throttle.sources().len(), MOST);
    }
}
