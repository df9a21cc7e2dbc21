//! Renames the template to a project and removes the files that are only about the template.

use std::{fs, path::Path};

use anyhow::Context;
use naming::{capital, is_rust_keyword, is_snake_case, is_sql_keyword};

/// The name of the template, split so that [`rename`] does not replace it in this file.
const TEMPLATE_NAME: &str = concat!("slip", "way");
/// The files and folders that are only about the template.
const TEMPLATE_FILES: [&str; 7] = [
    "docs/benchmarks",
    "docs/benchmarks.md",
    "docs/decisions",
    "docs/images",
    "docs/your-own-project.md",
    "tests/commands/own_project.rs",
    "tests/commands/pictures.rs",
];
/// The markers before and after text that is only about the template.
const TEMPLATE_MARKERS: (&str, &str) = ("<!-- template only -->", "<!-- end -->");
/// The databases that every PostgreSQL server has.
const DATABASES: [&str; 3] = ["postgres", "template0", "template1"];
/// The hidden files and folders of other programs, which a checkout need not contain yet.
const HIDDEN_FOLDERS: [&str; 12] = [
    "ci",
    "devcontainer",
    "direnv",
    "env",
    "envrc",
    "git",
    "idea",
    "netrc",
    "npmrc",
    "venv",
    "vs",
    "vscode",
];
/// The folders below /etc, /var/lib and the state folder of the user that belong to other programs.
const SYSTEM_FOLDERS: [&str; 9] = [
    "containerd",
    "docker",
    "mysql",
    "nginx",
    "postgresql",
    "prometheus",
    "redis",
    "ssl",
    "systemd",
];
const RULE: &str = "A project name has 2 to 30 lower-case letters and digits, with `_` between words, such as \
    `order_service`. The database and its user get the same name.";

/// Checks the name of a project, which also becomes the name of the folder `.NAME` in `root`.
///
/// # Errors
/// The name is invalid. The message states the rule.
pub(super) fn check_name(name: &str, root: &Path) -> Result<(), String> {
    if !is_snake_case(name) || !(2..=30).contains(&name.len()) {
        return Err(format!("`{name}` is not a valid project name. {RULE}"));
    }
    if name == TEMPLATE_NAME || DATABASES.contains(&name) || name.starts_with("pg_") {
        return Err(format!(
            "the template or PostgreSQL already uses the name `{name}`. Choose another name."
        ));
    }
    let folder = format!(".{name}");
    if HIDDEN_FOLDERS.contains(&name) || root.join(&folder).exists() {
        return Err(format!(
            "`{name}` is not possible, because files of the running stack would be in {folder}, and other programs use \
             that path. Choose another name."
        ));
    }
    if SYSTEM_FOLDERS.contains(&name) || root.join(name).exists() || is_crate(name, root) {
        return Err(format!(
            "`{name}` is already the name of a folder, a crate or a system service. Choose another name."
        ));
    }
    if is_rust_keyword(name) || is_sql_keyword(name) {
        return Err(format!("`{name}` is a keyword of Rust or PostgreSQL. Choose another name."));
    }
    Ok(())
}

/// Returns whether a crate of the workspace has this name.
fn is_crate(name: &str, root: &Path) -> bool {
    let folder = name.replace('_', "-");
    ["crates", "crates/domains", "xtask/crates", "tests"]
        .iter()
        .any(|parent| root.join(parent).join(&folder).exists())
}

/// Returns `Order Service` for `order_service`.
pub(super) fn title(name: &str) -> String {
    name.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

/// Returns the name of the project, or `None` for the template.
///
/// # Errors
/// `.env.example` cannot be read.
pub(super) fn name_of(root: &Path) -> anyhow::Result<Option<String>> {
    let path = root.join(".env.example");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut lines = text.lines();
    let name = lines.find_map(|line| line.strip_prefix("POSTGRES_DB=")).unwrap_or_default();
    Ok((name != TEMPLATE_NAME).then(|| name.to_owned()))
}

/// Renames the project in all `files` and removes the text and files that are only about the
/// template. `holder` is added to the licence as a copyright holder.
///
/// # Errors
/// A file cannot be read or written.
pub(super) fn apply(root: &Path, files: &[String], name: &str, holder: &str) -> anyhow::Result<()> {
    // This file changes last, because `name_of` reads the old name from it if an interrupted command is repeated.
    let is_last = |file: &&String| *file == ".env.example";
    let last = files.iter().filter(is_last);
    for file in files.iter().filter(|file| !is_last(file)).chain(last) {
        let path = root.join(file);
        if TEMPLATE_FILES.iter().any(|template| Path::new(file).starts_with(template)) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {file}"))?;
            // This removes only an empty folder. Errors are ignored.
            let _ = path.parent().map(fs::remove_dir);
            continue;
        }
        // Binary files are skipped, because they do not contain the name.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let own = match file.as_str() {
            "LICENSE-MIT" => licence(&text, holder),
            "CHANGELOG.md" => changelog(&text),
            "tests/commands/main.rs" => rename(&without_template_tests(&text), name),
            _ if path.extension().is_some_and(|it| it == "md") => {
                rename(&without_template_text(&text), name)
            }
            _ => rename(&text, name),
        };
        if own != text {
            fs::write(&path, own).with_context(|| format!("cannot write {file}"))?;
        }
    }
    Ok(())
}

fn rename(text: &str, name: &str) -> String {
    text.replace(&title(TEMPLATE_NAME), &title(name)).replace(TEMPLATE_NAME, name)
}

/// Removes the text between the markers, and the empty lines and spaces that the removal would leave.
fn without_template_text(text: &str) -> String {
    let mut own = String::new();
    let mut rest = text;
    while let Some((before, (_, after))) = rest
        .split_once(TEMPLATE_MARKERS.0)
        .and_then(|(before, marked)| Some((before, marked.split_once(TEMPLATE_MARKERS.1)?)))
    {
        own += before;
        rest = after;
        if own.is_empty() || own.ends_with('\n') {
            rest = after.trim_start_matches([' ', '\n']);
        } else if after.starts_with(|next: char| next.is_whitespace() || ".,:;)".contains(next)) {
            own.truncate(own.trim_end_matches(' ').len());
        }
    }
    own + rest
}

/// Adds the copyright holder. Keeps the notice of the template, as the licence requires.
fn licence(text: &str, holder: &str) -> String {
    let year = text.split_whitespace().find(|word| word.parse::<u16>().is_ok()).unwrap_or("2026");
    text.replacen("Copyright", &format!("Copyright (c) {year} {holder}\nCopyright"), 1)
}

/// Returns the changelog without entries.
fn changelog(text: &str) -> String {
    let unreleased = "## [Unreleased]\n";
    text.split_once(unreleased).map_or(text.to_owned(), |(head, _)| format!("{head}{unreleased}"))
}

/// Removes the tests of the files that a renamed project does not have.
fn without_template_tests(text: &str) -> String {
    let is_test = |line: &str| {
        let names = ["own_project", "pictures"];
        names.iter().any(|name| {
            line.contains(&format!("mod {name};")) || line.contains(&format!(" {name}::"))
        })
    };
    text.split_inclusive('\n').filter(|line| !is_test(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the root folder of this repository.
    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn check_name_rejects_invalid_names() {
        let root = root();
        for name in ["", "x", "My App", "my-app", "2go", "_a", "a__b", &"a".repeat(31)] {
            let refused = check_name(name, root).expect_err(name);
            assert!(refused.contains("A project name has"), "{refused}");
        }
        for name in [TEMPLATE_NAME, "postgres", "pg_own", "user", "crate"] {
            assert!(check_name(name, root).is_err(), "{name}");
        }
        assert_eq!(check_name("order_service2", root), Ok(()));
    }

    #[test]
    fn check_name_rejects_names_of_folders_and_crates() {
        let root = root();
        for name in ["cargo", "ci", "github", "git", "env", "vscode", "idea"] {
            let refused = check_name(name, root).expect_err(name);
            assert!(refused.contains(&format!("in .{name}")), "{refused}");
        }
        for name in ["crates", "xtask", "web", "api", "local_postgres", "e2e", "postgresql"] {
            let refused = check_name(name, root).expect_err(name);
            assert!(refused.contains("already the name"), "{refused}");
        }
    }

    #[test]
    fn template_text_is_removed_without_leftover_white_space() {
        for (text, own) in [
            ("a\n<!-- template only -->\nb\n<!-- end -->\n\nc\n", "a\nc\n"),
            ("c <!-- template only -->d<!-- end -->e\n", "c e\n"),
            ("c <!-- template only -->d<!-- end -->\ne\n", "c\ne\n"),
            ("c <!-- template only -->d<!-- end -->. e\n", "c. e\n"),
            ("c <!-- template only -->d<!-- end --> e\n", "c e\n"),
            ("<!-- template only -->d<!-- end --> e\n", "e\n"),
        ] {
            assert_eq!(without_template_text(text), own);
        }
    }

    #[test]
    fn rename_replaces_both_spellings_and_licence_keeps_the_notice() {
        let text = format!("{} and .{TEMPLATE_NAME}/state", title(TEMPLATE_NAME));
        assert_eq!(rename(&text, "order_service"), "Order Service and .order_service/state");
        let text = "MIT\n\nCopyright (c) 2026 The others\n\nPermission";
        let own = "MIT\n\nCopyright (c) 2026 Ada\nCopyright (c) 2026 The others\n\nPermission";
        assert_eq!(licence(text, "Ada"), own);
    }
}
