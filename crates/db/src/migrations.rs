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

/// The name and the text of each file, also of those that undo a migration.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    FOLDER.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
}

/// Those of this binary.
pub fn embedded() -> &'static Migrations {
    &EMBEDDED
}

/// Every migration of this binary, by version.
pub fn known() -> Vec<Migration> {
    EMBEDDED.list()
}

/// The schema version that this binary was made for: that of the last of [`known`]. The server asks for no more, and
/// what refinery makes of the migrations takes half a mebibyte.
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
