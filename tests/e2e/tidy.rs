//! Rules for the files of the repository.

mod imports;
mod layout;
mod pages;
mod prose;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Names of files and folders that Git does not track.
const SKIPPED: [&str; 6] = ["target", ".git", ".slipway", "node_modules", "tools", ".env"];
/// The extensions of text files.
const TEXT: [&str; 9] = ["rs", "sql", "toml", "yaml", "yml", "md", "html", "sh", "example"];
/// The limit for the lines of a source file.
const LONGEST: usize = 300;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

/// Returns the paths and texts of all files below `folder`, which is relative to the repository root.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let (path, name) = (entry.path(), entry.file_name());
            let ending = path.extension().unwrap_or_default();
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if entry.file_type().expect("a type").is_dir() {
                folders.push(path);
            } else if endings.iter().any(|it| ending == *it) {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let path = path.strip_prefix(&root).expect("below the root").to_string_lossy();
                found.push((path.replace('\\', "/"), text));
            }
        }
    }
    assert!(!found.is_empty(), "{folder:?} contains no such files");
    found
}

/// Panics with every line of a Rust file below `folder` that contains one of `words`.
fn forbid(folder: &str, words: &[&str]) {
    let mut broken = Vec::new();
    for (path, text) in files(folder, &["rs"]) {
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                broken.push(format!("{path}:{number} mentions {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_rust_file_starts_with_a_module_comment() {
    for (path, text) in files("", &["rs"]) {
        assert!(text.starts_with("//! "), "{path} does not start with //!");
        assert!(!path.ends_with("/mod.rs"), "{path}: use foo.rs next to foo/");
    }
}

#[test]
fn text_has_neither_tabs_nor_spaces_at_line_ends() {
    for (path, text) in files("", &TEXT) {
        for (number, line) in (1..).zip(text.split('\n')) {
            assert!(!line.contains('\t'), "{path}:{number} has a tab");
            assert!(!line.ends_with([' ', '\r']), "{path}:{number} ends in white space");
        }
        assert!(text.is_empty() || text.ends_with('\n'), "{path} does not end with a newline");
    }
}

#[test]
fn database_crates_do_not_use_http() {
    for folder in ["crates/db/src", "crates/store/src"] {
        forbid(folder, &["poem::", "poem_openapi", "StatusCode"]);
    }
}

#[test]
fn only_database_crates_contain_sql() {
    for folder in ["crates/api/src", "crates/web/src"] {
        forbid(folder, &["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "tokio_postgres"]);
    }
}

#[test]
fn base_crates_do_not_mention_resources() {
    for folder in ["crates/web/src", "crates/store/src"] {
        forbid(folder, &["persons::", "/persons", "Person"]);
    }
}

#[test]
fn only_main_files_read_the_environment() {
    for folder in ["crates/config", "crates/db/src", "crates/store/src"] {
        forbid(folder, &["env::var", "set_var"]);
    }
    for folder in ["crates/api/src", "crates/web/src", "crates/migrate/src"] {
        for (path, text) in files(folder, &["rs"]) {
            let reads = text.contains("env::var") && !path.ends_with("/main.rs");
            assert!(!reads && !text.contains("set_var"), "{path} reads or changes the environment");
        }
    }
}

#[test]
fn up_and_tests_share_their_build() {
    let manifest = fs::read_to_string(root().join("tests/Cargo.toml")).expect("a manifest");
    // Development dependencies would enable other features, and cargo would compile poem twice.
    assert!(
        !manifest.contains("dev-dependencies"),
        "tests/Cargo.toml has development dependencies"
    );
}

#[test]
fn migrations_are_named_v_number_verb_noun() {
    for (path, _) in files("crates/db/migrations", &["sql"]) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let parts = name.strip_prefix('V').and_then(|name| name.strip_suffix(".sql"));
        let (number, words) = parts.and_then(|name| name.split_once("__")).expect(&path);
        assert!(number.parse::<u32>().is_ok(), "{path}: no number");
        assert!(words.contains('_') && !words.contains(|c: char| c.is_uppercase()), "{path}");
    }
}

#[test]
fn source_files_have_at_most_300_lines() {
    for folder in ["crates", "xtask"] {
        for (path, text) in files(folder, &["rs"]) {
            let lines = text.lines().count();
            // A file in `crates/domains` may be longer, because a resource can have many fields.
            let is_counted = path.contains("/src/") && !path.starts_with("crates/domains/");
            assert!(lines <= LONGEST || !is_counted, "{path} has {lines} lines");
        }
    }
}
