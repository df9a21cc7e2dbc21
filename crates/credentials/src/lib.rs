//! Passwords and tokens: how they are made, and what of them is stored.

pub mod password;
pub mod token;
