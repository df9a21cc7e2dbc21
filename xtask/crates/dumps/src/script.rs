//! Reads the beginning of a script that `pg_dump --format=plain` wrote.

use crate::versions::Versions;

/// A comment in the first lines of every script.
const FIRST_LINE: &str = "-- PostgreSQL database dump";

/// Returns whether the text begins like a script of pg_dump.
pub(crate) fn is_script(beginning: &str) -> bool {
    beginning.lines().take(5).any(|line| line.trim_end() == FIRST_LINE)
}

/// Returns the versions in the comments of a script.
pub(crate) fn versions(beginning: &str) -> Option<Versions> {
    let after = |prefix: &str| {
        beginning
            .lines()
            .find_map(|line| line.strip_prefix(prefix))
            .map(|text| text.trim().to_owned())
    };
    Some(Versions {
        server: after("-- Dumped from database version ")?,
        pg_dump: after("-- Dumped by pg_dump version ")?,
    })
}
