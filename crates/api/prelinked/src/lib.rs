//! `web` and all that it is made of, as one library that is linked once. What an edit of the API makes is then linked
//! with that one file, and not with hundreds.
//!
//! `db` is not in it, since queries are edited too.

pub use web;
