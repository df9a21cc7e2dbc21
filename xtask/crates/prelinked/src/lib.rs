//! `web` and the crates below it as one shared library, linked once. After an edit of a resource, the linker reads this
//! file instead of hundreds. `db` is not part of the library, because migrations are edited too.

pub use web;
