//! Passwords and tokens: how they are made, and what of them is stored.

pub mod password;
pub mod token;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// `LENGTH` random bytes, as letters, digits, `-` and `_`.
fn random_text<const LENGTH: usize>() -> String {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
