//! Tokens: 256 random bits as text. Only a hash is stored, so who reads the database has no token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use config::Secret;
use sha2::{Digest, Sha256};

/// By this, scanners find tokens that were committed or logged by mistake.
const PREFIX: &str = "slw_";

/// What is stored of a token. So many random bits can be hashed quickly and need no salt.
pub type Hash = [u8; 32];

/// A new token.
pub fn generate() -> Secret {
    Secret::from(format!("{PREFIX}{}", crate::random_text::<32>()))
}

/// The hash of a token, if `text` can be one.
pub fn hash(text: &str) -> Option<Hash> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (bytes.len() == 32).then(|| Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_told_from_other_texts() {
        let (one, other) = (generate(), generate());
        assert_ne!(hash(one.expose()), hash(other.expose()));
        assert!(hash(one.expose()).is_some());
        for text in ["", "slw_", "slw_AAAA", &one.expose()[4..], &format!("{}A", one.expose())] {
            assert_eq!(hash(text), None, "{text}");
        }
    }
}
