//! Merges a change of a template's result into a file that a user may have edited.

use std::{fs, path::Path};

use anyhow::{Context, bail};

use crate::git;

/// Applies the change from `base` to `theirs` to `ours`, word by word. Returns `None` if the user has edited the same
/// words.
///
/// # Errors
/// git does not start.
pub(crate) fn merge(ours: &str, base: &str, theirs: &str) -> anyhow::Result<Option<String>> {
    let [ours, base, theirs] = [ours, base, theirs].map(one_word_per_line);
    let output = run(
        &["merge-file", "-p", "--quiet"],
        &[("ours", &ours), ("base", &base), ("theirs", &theirs)],
    )?;
    match output.0 {
        Some(0) => Ok(Some(joined(&output.1))),
        // The number of conflicts.
        Some(1..=127) => Ok(None),
        _ => bail!("git merge-file failed"),
    }
}

/// Returns the change from `base` to `theirs` as a patch without its head.
///
/// # Errors
/// git does not start.
pub(crate) fn patch(base: &str, theirs: &str) -> anyhow::Result<String> {
    let (_, patch) =
        run(&["diff", "--no-index", "--no-color", "--no-ext-diff"], &[("a", base), ("b", theirs)])?;
    let lines = patch.lines().skip_while(|line| !line.starts_with("@@"));
    Ok(lines.map(|line| format!("  {line}\n")).collect())
}

fn run(arguments: &[&str], files: &[(&str, &str)]) -> anyhow::Result<(Option<i32>, String)> {
    let folder = std::env::temp_dir().join(format!("scaffold-merge-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let done = (|| {
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        let names = files.iter().map(|(name, _)| Path::new(name));
        git::command(&folder).args(arguments).args(names).output()
    })();
    let _ = fs::remove_dir_all(&folder);
    let output = done.context("git does not run")?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Puts each word, each sign and each run of white space on a line of its own.
fn one_word_per_line(text: &str) -> String {
    let kind = |letter: char| match letter {
        _ if letter.is_whitespace() => 0,
        _ if letter.is_alphanumeric() || letter == '_' => 1,
        _ => 2,
    };
    let (mut lines, mut last) = (String::new(), 3);
    for letter in text.chars() {
        let kind = kind(letter);
        if last != 3 && (kind != last || kind == 2) {
            lines.push('\n');
        }
        match letter {
            '\n' => lines.push('\u{1}'),
            letter => lines.push(letter),
        }
        last = kind;
    }
    lines + "\n"
}

fn joined(lines: &str) -> String {
    lines.replace('\n', "").replace('\u{1}', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_beside_the_change_are_kept_and_edits_of_it_are_reported() {
        let base =
            "/// A book.\nstruct Book {\n    title: Line<200>,\n}\n\nSELECT id, title, version";
        let theirs = base
            .replace("Line<200>,\n", "Line<200>,\n    pages: i32,\n")
            .replace("title, v", "title, pages, v");
        let ours = base.replace("200", "300").replace("A book", "A printed book");
        let merged = merge(&ours, base, &theirs).expect("git").expect("no conflict");
        let expected = "/// A printed book.\nstruct Book {\n    title: Line<300>,\n    pages: i32,\n}\n\n\
            SELECT id, title, pages, version";
        assert_eq!(merged, expected);
        let ours =
            base.replace("SELECT id, title, version", "SELECT id, upper(title) AS title FROM x");
        assert_eq!(merge(&ours, base, &theirs).expect("git"), None);
        assert!(patch(base, &theirs).expect("git").contains("  +    pages: i32,"));
    }
}
