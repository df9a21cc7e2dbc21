//! Makes the template a project with a name of its own.

use std::{fs, path::Path};

use anyhow::Context;

use crate::words::{is_rust_keyword, is_snake_case, is_sql_keyword};

/// The template's name, which [`rename`] does not find here.
const OURS: &str = concat!("slip", "way");
/// The files and folders that are about the template itself.
const NOT_NEEDED: [&str; 6] = [
    "docs/benchmarks",
    "docs/benchmarks.md",
    "docs/guide.md",
    "docs/images",
    "docs/your-own-project.md",
    "tests/commands/own_project.rs",
];
/// A text about the template itself is between these.
const MARKS: (&str, &str) = ("<!-- template only -->", "<!-- end -->");
/// The databases that every server has.
const DATABASES: [&str; 3] = ["postgres", "template0", "template1"];
const RULE: &str = "a project's name has 2 to 30 lower-case letters and digits, with `_` between words, such as \
    `order_service`; the database and its user get the same name";

/// # Errors
/// A project cannot have this name; the message has the rule.
pub fn check_name(name: &str) -> Result<(), String> {
    if !is_snake_case(name) || !(2..=30).contains(&name.len()) {
        return Err(format!("`{name}` is not accepted: {RULE}"));
    }
    if name == OURS || DATABASES.contains(&name) || name.starts_with("pg_") {
        return Err(format!(
            "the template or PostgreSQL uses the name `{name}`; choose another one"
        ));
    }
    if is_rust_keyword(name) || is_sql_keyword(name) {
        return Err(format!("`{name}` is a keyword of Rust or PostgreSQL; choose another name"));
    }
    Ok(())
}

/// Returns `Order Service` for `order_service`.
pub fn title(name: &str) -> String {
    name.split('_').map(crate::words::capital).collect::<Vec<_>>().join(" ")
}

/// Returns the name of a project that is not the template.
///
/// # Errors
/// A file is missing.
pub fn name_of(root: &Path) -> anyhow::Result<Option<String>> {
    let path = root.join(".env.example");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines();
    let name = lines.find_map(|line| line.strip_prefix("POSTGRES_DB=")).unwrap_or_default();
    Ok((name != OURS).then(|| name.to_owned()))
}

/// Gives the files, as git lists them, another name, and removes what is about the template.
///
/// # Errors
/// A file cannot be read or written.
pub fn apply(root: &Path, files: &str, name: &str, holder: &str) -> anyhow::Result<()> {
    for file in files.lines() {
        let path = root.join(file);
        if NOT_NEEDED.iter().any(|ours| Path::new(file).starts_with(ours)) {
            fs::remove_file(&path).with_context(|| file.to_owned())?;
            // Succeeds only for an empty folder.
            let _ = path.parent().map(fs::remove_dir);
            continue;
        }
        // A file that is not text has no name in it.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let own = match file {
            "LICENSE-MIT" => licence(&text, holder),
            "CHANGELOG.md" => changelog(&text),
            "tests/commands/main.rs" => rename(&without_own_test(&text), name),
            _ if path.extension().is_some_and(|it| it == "md") => {
                rename(&without_ours(&text), name)
            }
            _ => rename(&text, name),
        };
        if own != text {
            fs::write(&path, own).with_context(|| file.to_owned())?;
        }
    }
    Ok(())
}

fn rename(text: &str, name: &str) -> String {
    text.replace(&title(OURS), &title(name)).replace(OURS, name)
}

/// Returns the text without what is between the marks. A line that is left empty by that goes, and a space that is left
/// before the end of a line or before a sign.
fn without_ours(text: &str) -> String {
    let mut own = String::new();
    let mut rest = text;
    while let Some((before, (_, after))) = rest
        .split_once(MARKS.0)
        .and_then(|(before, ours)| Some((before, ours.split_once(MARKS.1)?)))
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

/// Adds the holder. The notice of the template stays, as its licence requires.
fn licence(text: &str, holder: &str) -> String {
    let year = text.split_whitespace().find(|word| word.parse::<u16>().is_ok()).unwrap_or("2026");
    text.replacen("Copyright", &format!("Copyright (c) {year} {holder}\nCopyright"), 1)
}

fn changelog(text: &str) -> String {
    let unreleased = "## [Unreleased]\n";
    text.split_once(unreleased).map_or(text.to_owned(), |(head, _)| format!("{head}{unreleased}"))
}

/// Removes the test of `init`, which a project does not have.
fn without_own_test(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.contains("own_project")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_refused_with_the_rule() {
        for name in ["", "x", "My App", "my-app", "2go", "_a", "a__b", &"a".repeat(31)] {
            let refused = check_name(name).expect_err(name);
            assert!(refused.contains("a project's name has"), "{refused}");
        }
        for name in [OURS, "postgres", "pg_own", "user", "crate"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert_eq!(check_name("order_service2"), Ok(()));
    }

    #[test]
    fn what_is_between_the_marks_goes_and_leaves_no_white_space() {
        for (text, own) in [
            ("a\n<!-- template only -->\nb\n<!-- end -->\n\nc\n", "a\nc\n"),
            ("c <!-- template only -->d<!-- end -->e\n", "c e\n"),
            ("c <!-- template only -->d<!-- end -->\ne\n", "c\ne\n"),
            ("c <!-- template only -->d<!-- end -->. e\n", "c. e\n"),
            ("c <!-- template only -->d<!-- end --> e\n", "c e\n"),
            ("<!-- template only -->d<!-- end --> e\n", "e\n"),
        ] {
            assert_eq!(without_ours(text), own);
        }
    }

    #[test]
    fn both_spellings_are_renamed_and_the_notice_is_kept() {
        let text = format!("{} and .{OURS}/state", title(OURS));
        assert_eq!(rename(&text, "order_service"), "Order Service and .order_service/state");
        let text = "MIT\n\nCopyright (c) 2026 The others\n\nPermission";
        let own = "MIT\n\nCopyright (c) 2026 Ada\nCopyright (c) 2026 The others\n\nPermission";
        assert_eq!(licence(text, "Ada"), own);
    }
}
