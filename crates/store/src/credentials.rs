//! Passwords and tokens: generation, hashing and verification. The database stores hashes only.

pub mod password;
mod random;
pub mod token;
