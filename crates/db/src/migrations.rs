//! The migrations, embedded in the binary.

use std::sync::LazyLock;

pub use store::migrations::{
    Applied, Effect, Migration, Migrations, Undo, applied, apply, describe, preview, undo, version,
};

mod files {
    refinery::embed_migrations!("migrations");

    pub(super) const DOWNS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/downs.rs"));
    pub(super) const LATEST: i32 = include!(concat!(env!("OUT_DIR"), "/latest.rs"));
}

static EMBEDDED: LazyLock<Migrations> =
    LazyLock::new(|| Migrations::new(&files::migrations::runner(), files::DOWNS));

/// Those of this binary.
pub fn embedded() -> &'static Migrations {
    &EMBEDDED
}

/// Every migration of this binary, by version.
pub fn known() -> Vec<Migration> {
    EMBEDDED.list()
}

/// The schema version that this binary was made for. The server asks for no more: what refinery makes of the
/// migrations takes half a mebibyte.
pub fn latest() -> i32 {
    files::LATEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_one_two_three_and_names_are_verb_noun() {
        assert_eq!(embedded().problems(&[]), []);
        assert_eq!(known().last().map(|last| last.version), Some(latest()));
        for migration in known() {
            assert!(migration.name.contains('_'), "{migration:?} is not verb_noun");
        }
    }

    #[test]
    fn each_of_ours_can_be_undone() {
        for migration in known() {
            let down = embedded().down(migration.version);
            assert!(down.is_some(), "{migration:?} has no down file");
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_refinery() {
        for migration in known() {
            let text = embedded().text(&migration);
            assert_eq!(Migration::new(migration.version, &migration.name, text), migration);
        }
    }
}
