//! `web` and its dependencies as one shared library, which makes linking after an edit faster.
//!
//! `db` is not part of the library, because edited migrations would relink the library.

pub use web;
