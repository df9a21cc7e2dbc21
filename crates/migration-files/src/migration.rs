//! Migrations: the names, the checksums and the properties of their files.

use std::{
    fs,
    hash::{Hash, Hasher},
    path::Path,
};

use siphasher::sip::SipHasher13;

/// Where the files are, from the repository's root.
pub const FOLDER: &str = "crates/db/migrations";
/// The first line of a migration whose one statement PostgreSQL refuses in a transaction.
pub const NO_TRANSACTION: &str = "-- migrate: no transaction";

/// A migration of a checkout, of a binary or of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// 1, 2, 3 …
    pub version: i32,
    /// The file's name without number and ending.
    pub name: String,
    /// Of version, name and text, as refinery has it.
    pub checksum: String,
}

impl Migration {
    /// One that has this text.
    pub fn new(version: i32, name: &str, text: &str) -> Self {
        let mut hash = SipHasher13::new();
        name.hash(&mut hash);
        version.hash(&mut hash);
        text.hash(&mut hash);
        Self { version, name: name.to_owned(), checksum: hash.finish().to_string() }
    }

    /// Its file's name without the ending.
    pub fn stem(&self) -> String {
        format!("V{}__{}", self.version, self.name)
    }

    /// Its file, from the repository's root.
    pub fn file(&self) -> String {
        format!("{FOLDER}/{}.sql", self.stem())
    }
}

/// The names of the files of a checkout, sorted.
pub fn files(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    files
}

/// The number and the name in `V1__create_persons.sql`.
pub fn parse(file: &str) -> Option<(i32, &str)> {
    let (number, name) = file.strip_prefix('V')?.strip_suffix(".sql")?.split_once("__")?;
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word { Some((number.parse().ok()?, name)) } else { None }
}

/// The same in `V1__create_persons.down.sql`, which undoes the other.
pub fn parse_down(file: &str) -> Option<(i32, &str)> {
    let (number, name) = file.strip_prefix('V')?.strip_suffix(".down.sql")?.split_once("__")?;
    Some((number.parse().ok()?, name))
}

/// Whether there is anything in it but comments and space.
pub fn has_statement(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with("--"))
}

/// Whether its statement is to run outside a transaction.
pub fn is_without_transaction(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.trim_end() == NO_TRANSACTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_read() {
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
    fn a_migration_of_comments_holds_no_statement() {
        for (text, expected) in [("", false), ("-- a\n\n  -- b\n", false), ("-- a\nSELECT 1", true)]
        {
            assert_eq!(has_statement(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_first_line_forgoes_the_transaction() {
        assert!(is_without_transaction("-- migrate: no transaction\nVACUUM;\n"));
        assert!(!is_without_transaction("-- why\n-- migrate: no transaction\nVACUUM;\n"));
    }
}
