//! Passwords, stored as Argon2id hashes. Hashing and verifying take tens of milliseconds and 19 MiB:
//! never call them on an async thread.

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use config::Secret;

use super::random::random_text;

/// The hash of a random password, verified when an account does not exist.
static DUMMY_HASH: LazyLock<String> = LazyLock::new(|| hash(&generate()));

/// The passwords of 12 and more characters among the 100,000 most common passwords, in lower case, one in each line.
/// From the crate `passwords` 3.1.19, (c) 2018 magiclen.org, MIT, without entries that look like names of accounts.
const COMMON: &str = include_str!("common_passwords.txt");

/// Returns a new password of 24 random characters.
pub fn generate() -> Secret {
    Secret::from(random_text::<18>())
}

/// Returns true if a password is so common that attackers guess it first. Ignores case and surrounding white space.
pub fn is_common(password: &Secret) -> bool {
    let canonical = password.expose().trim().to_lowercase();
    COMMON.lines().any(|common| common == canonical)
}

/// Returns the Argon2id hash of a password with a new salt, as a PHC string.
pub fn hash(password: &Secret) -> String {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.expect("any text can be hashed").to_string()
}

/// Returns true if the password has this hash. Without a hash, the check fails after the same time.
pub fn verify(password: &Secret, hash: Option<&str>) -> bool {
    let compared = hash.unwrap_or(&DUMMY_HASH);
    let verified = Argon2::default().verify_password(password.expose().as_bytes(), compared);
    verified.is_ok() && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_common_ignores_case_and_white_space() {
        let is_common = |text: &str| is_common(&text.to_owned().into());
        for common in ["123456789012", "qwertyuiop123", "Password1234", " PASSWORDPASSWORD "] {
            assert!(is_common(common), "{common}");
        }
        for rare in ["", "correct horse battery staple", "password12345 and more"] {
            assert!(!is_common(rare), "{rare}");
        }
    }

    #[test]
    fn verify_accepts_only_the_hashed_password() {
        let [right, wrong] = ["right", "wrong"].map(|text| Secret::from(text.to_owned()));
        let hashed = hash(&right);
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert_ne!(hashed, hash(&right), "each hash has its own salt");
        assert!(verify(&right, Some(&hashed)));
        assert!(!verify(&wrong, Some(&hashed)));
        assert!(!verify(&right, None));
        assert!(!verify(&right, Some("no hash")));
    }

    #[test]
    fn a_missing_hash_costs_as_much_as_a_stored_one() {
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        let stored = hash(&generate());
        assert!(cost(&stored).is_some_and(|cost| cost.contains("m=19456,t=2,p=1")), "{stored}");
        assert_eq!(cost(&DUMMY_HASH), cost(&stored));
    }
}
