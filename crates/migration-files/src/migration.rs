//! Migrations: the names, the checksums and the properties of their files.

use std::{
    fs,
    hash::{Hash, Hasher},
    path::Path,
};

use siphasher::sip::SipHasher13;

/// The folder of the files, relative to the root of the repository.
pub const FOLDER: &str = "crates/db/migrations";
/// The first line of a migration that must run outside of a transaction. It may contain only one statement.
pub const NO_TRANSACTION: &str = "-- migrate: no transaction";

/// A migration of a checkout, of a binary or of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The number of the migration. The first migration has number 1.
    pub version: i32,
    /// The file name without number and extension, such as `create_persons`.
    pub name: String,
    /// The checksum of version, name and text. Equals the checksum of refinery.
    pub checksum: String,
}

impl Migration {
    /// Creates a migration and computes its checksum.
    pub fn new(version: i32, name: &str, text: &str) -> Self {
        let mut hash = SipHasher13::new();
        name.hash(&mut hash);
        version.hash(&mut hash);
        text.hash(&mut hash);
        Self { version, name: name.to_owned(), checksum: hash.finish().to_string() }
    }

    /// Returns the file name without extension.
    pub fn stem(&self) -> String {
        format!("V{}__{}", self.version, self.name)
    }

    /// Returns the path of the file, relative to the root of the repository.
    pub fn file(&self) -> String {
        format!("{FOLDER}/{}.sql", self.stem())
    }
}

/// Returns the sorted names of the migration files in a checkout.
pub fn files(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    files
}

/// Returns the number and the name of a file such as `V1__create_persons.sql`.
pub fn parse(file: &str) -> Option<(i32, &str)> {
    let (number, name) = file.strip_prefix('V')?.strip_suffix(".sql")?.split_once("__")?;
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word { Some((number.parse().ok()?, name)) } else { None }
}

/// Returns the number and the name of a file such as `V1__create_persons.down.sql`, which undoes a migration.
pub fn parse_down(file: &str) -> Option<(i32, &str)> {
    let (number, name) = file.strip_prefix('V')?.strip_suffix(".down.sql")?.split_once("__")?;
    Some((number.parse().ok()?, name))
}

/// Returns true if a file contains more than comments and white space.
pub fn has_statement(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with("--"))
}

/// Returns true if a migration must run outside of a transaction.
pub fn is_without_transaction(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.trim_end() == NO_TRANSACTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_only_migration_file_names() {
        assert_eq!(parse("V12__add_a_b.sql"), Some((12, "add_a_b")));
        let foreign = [
            "README.md",
            "V1_add.sql",
            "U1__undo.sql",
            "V1__a.sql.orig",
            "V1__a.down.sql",
            "V1__a-b.sql",
        ];
        for file in foreign {
            assert_eq!(parse(file), None, "{file}");
        }
        assert_eq!(parse_down("V12__add_a.down.sql"), Some((12, "add_a")));
        assert_eq!(parse_down("V12__add_a.sql"), None);
    }

    #[test]
    fn comments_are_not_a_statement() {
        for (text, expected) in [("", false), ("-- a\n\n  -- b\n", false), ("-- a\nSELECT 1", true)]
        {
            assert_eq!(has_statement(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_first_line_turns_the_transaction_off() {
        assert!(is_without_transaction("-- migrate: no transaction\nVACUUM;\n"));
        assert!(!is_without_transaction("-- why\n-- migrate: no transaction\nVACUUM;\n"));
    }
}
