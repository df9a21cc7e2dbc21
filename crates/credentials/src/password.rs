//! Passwords, of which a slow salted hash is stored. Hashing and verifying keep a core busy for tens of
//! milliseconds and take 19 MiB: never call them on an async thread.

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use config::Secret;

/// The hash of nothing that anyone knows.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash(&generate()));

/// A new password of 24 random characters.
pub fn generate() -> Secret {
    Secret::from(crate::random_text::<18>())
}

/// The Argon2id hash of a password with a new salt, as a PHC string.
pub fn hash(password: &Secret) -> String {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.expect("any text can be hashed").to_string()
}

/// Whether this is the password with that hash. Without a hash it is not, which takes as long to say.
pub fn verify(password: &Secret, hash: Option<&str>) -> bool {
    let nobodys: &str = &NOBODYS;
    let verified =
        Argon2::default().verify_password(password.expose().as_bytes(), hash.unwrap_or(nobodys));
    verified.is_ok() && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let [right, wrong] = ["right", "wrong"].map(|text| Secret::from(text.to_owned()));
        let hashed = hash(&right);
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert_ne!(hashed, hash(&right), "each has its salt");
        assert!(verify(&right, Some(&hashed)));
        assert!(!verify(&wrong, Some(&hashed)));
        assert!(!verify(&right, None));
        assert!(!verify(&right, Some("no hash")));
    }
}
