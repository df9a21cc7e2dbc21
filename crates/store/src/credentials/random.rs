//! Random text for passwords and tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Returns `LENGTH` random bytes as URL-safe Base64: letters, digits, `-` and `_`.
pub(super) fn random_text<const LENGTH: usize>() -> String {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).expect("the system has a random number generator");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
