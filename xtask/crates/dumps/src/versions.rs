//! The versions of the programs that made a dump.

/// The versions that a dump names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The version of the server that was dumped: `15.4 (Debian 15.4-1)`.
    pub server: String,
    /// The version of `pg_dump`.
    pub pg_dump: String,
}
