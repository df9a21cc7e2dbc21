//! The beginning of a script that `pg_dump --format=plain` wrote.

use crate::versions::Versions;

/// What a script begins with, after at most a line or two.
const FIRST_LINE: &str = "-- PostgreSQL database dump";

/// Returns whether a text begins as a script does.
pub(crate) fn is_script(beginning: &str) -> bool {
    beginning.lines().take(5).any(|line| line.trim_end() == FIRST_LINE)
}

/// Returns the versions that a script names.
pub(crate) fn versions(beginning: &str) -> Option<Versions> {
    let after = |words: &str| {
        beginning
            .lines()
            .find_map(|line| line.strip_prefix(words))
            .map(|text| text.trim().to_owned())
    };
    Some(Versions {
        server: after("-- Dumped from database version ")?,
        pg_dump: after("-- Dumped by pg_dump version ")?,
    })
}
