//! The versions of the programs that wrote a dump.

/// The versions in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The version of the dumped server, such as `15.4 (Debian 15.4-1)`.
    pub server: String,
    /// The version of `pg_dump`.
    pub pg_dump: String,
}
