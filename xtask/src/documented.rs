//! Whether the commands that README and docs name are ones that there are.

use std::{fs, path::Path};

use clap::{CommandFactory, error::ErrorKind};

use crate::cli::Cli;

const OURS: &str = "cargo xtask ";

/// README and the pages of docs, with their paths.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let docs = fs::read_dir(root.join("docs")).expect("a folder");
    let paths = docs.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .chain([root.join("README.md")])
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("a page")))
        .collect()
}

/// The words of a command, without what follows it in a shell.
fn words(line: &str) -> Vec<&str> {
    let command = line.split([';', '|', '<', '>', ')']).next().unwrap_or_default();
    let words = command.split_whitespace().take_while(|word| !word.starts_with('#'));
    words.map(|word| word.trim_matches(['\'', '"'])).collect()
}

#[test]
fn a_line_to_be_typed_is_one_that_is_taken() {
    for (path, page) in pages() {
        for line in page.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let Some((_, arguments)) = line.split_once(OURS) else { continue };
            let all = ["cargo xtask"].into_iter().chain(words(arguments));
            let parsed = Cli::command().try_get_matches_from(all);
            let refused = parsed.err().filter(|error| error.kind() != ErrorKind::DisplayHelp);
            assert!(refused.is_none(), "{path}: {line}\n{}", refused.expect("an error"));
        }
    }
}

#[test]
fn a_command_that_is_mentioned_is_there() {
    let commands = Cli::command();
    for (path, page) in pages() {
        for mention in page.split(&format!("`{OURS}")).skip(1) {
            let name = mention.split([' ', '`', '\n']).next().unwrap_or_default();
            let is_there = name.starts_with("--") || commands.find_subcommand(name).is_some();
            assert!(is_there, "{path}: {OURS}{name}");
        }
    }
}
