//! Tokens: 256 random bits as text. The database stores only their hashes, which cannot be used to log in.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use config::Secret;
use sha2::{Digest, Sha256};

use super::random::random_text;

/// The prefix by which secret scanners find tokens that were committed or logged by mistake.
const PREFIX: &str = "slw_";

/// The stored hash of a token. 256 random bits need neither a slow hash nor a salt.
pub type Hash = [u8; 32];

/// Returns a new token.
pub fn generate() -> Secret {
    Secret::from(format!("{PREFIX}{}", random_text::<32>()))
}

/// Returns the hash of a token, or `None` if `text` is not a token.
pub fn hash(text: &str) -> Option<Hash> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (bytes.len() == 32).then(|| Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_rejects_text_that_is_not_a_token() {
        let (one, other) = (generate(), generate());
        assert_ne!(hash(one.expose()), hash(other.expose()));
        assert!(hash(one.expose()).is_some());
        for text in ["", "slw_", "slw_AAAA", &one.expose()[4..], &format!("{}A", one.expose())] {
            assert_eq!(hash(text), None, "{text}");
        }
    }
}
