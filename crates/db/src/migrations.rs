//! The migrations, embedded in the binary.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

pub use store::migrations::{
    Applied, Effect, Migration, Migrations, Undo, applied, apply, describe, preview, undo, version,
};

mod files {
    refinery::embed_migrations!("migrations");
}

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

static EMBEDDED: LazyLock<Migrations> =
    LazyLock::new(|| Migrations::new(&files::migrations::runner(), texts()));

/// Returns the name and the text of each migration file, including the `.down.sql` files.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    FOLDER.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
}

/// Returns the migrations that are embedded in this binary.
pub fn embedded() -> &'static Migrations {
    &EMBEDDED
}

/// Returns the migrations of this binary, sorted by version.
pub fn known() -> Vec<Migration> {
    EMBEDDED.list()
}

/// Returns the schema version that this binary needs, which is the version of the last migration.
///
/// Reads only the file names, because the server does not need the migrations in memory.
pub fn latest() -> i32 {
    static LATEST: LazyLock<i32> = LazyLock::new(|| {
        let written = texts().filter(|(_, text)| migration_files::has_statement(text));
        let versions = written.filter_map(|(file, _)| Some(migration_files::parse(file)?.0));
        versions.max().unwrap_or(0)
    });
    *LATEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_consecutive_and_names_are_verb_noun() {
        assert_eq!(embedded().problems(&[]), []);
        assert_eq!(known().last().map(|last| last.version), Some(latest()));
        for migration in known() {
            assert!(migration.name.contains('_'), "{migration:?} is not verb_noun");
        }
    }

    #[test]
    fn every_migration_has_a_down_file() {
        for migration in known() {
            let down = embedded().down(migration.version);
            assert!(down.is_some(), "{migration:?} has no down file");
        }
    }

    #[test]
    fn checksum_equals_the_checksum_of_refinery() {
        for migration in known() {
            let text = embedded().text(&migration);
            assert_eq!(Migration::new(migration.version, &migration.name, text), migration);
        }
    }
}
