//! Checks that the commands in README, AGENTS, CONTRIBUTING and docs exist.

use std::{fs, path::Path};

use clap::{CommandFactory, error::ErrorKind};

use crate::cli::Cli;

const PREFIX: &str = "cargo xtask ";

/// Returns the pages of docs and those in the root folder that name commands, with their paths.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the repository");
    let docs = fs::read_dir(root.join("docs")).expect("docs is a folder");
    let paths = docs.map(|entry| entry.expect("docs can be read").path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .chain(["README.md", "AGENTS.md", "CONTRIBUTING.md"].map(|name| root.join(name)))
        .map(|path| {
            (path.display().to_string(), fs::read_to_string(&path).expect("the page can be read"))
        })
        .collect()
}

/// Splits a shell line into the words of its first command.
fn words(line: &str) -> Vec<&str> {
    let command = line.split([';', '|', '<', '>', ')']).next().unwrap_or_default();
    let words = command.split_whitespace().take_while(|word| !word.starts_with('#'));
    words.map(|word| word.trim_matches(['\'', '"'])).collect()
}

#[test]
fn command_lines_in_docs_are_valid() {
    for (path, page) in pages() {
        for line in page.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let Some((_, arguments)) = line.split_once(PREFIX) else { continue };
            let all = ["cargo xtask"].into_iter().chain(words(arguments));
            let parsed = Cli::command().try_get_matches_from(all);
            let error = parsed.err().filter(|error| error.kind() != ErrorKind::DisplayHelp);
            assert!(error.is_none(), "{path}: {line}\n{}", error.expect("an error"));
        }
    }
}

#[test]
fn commands_mentioned_in_docs_exist() {
    let commands = Cli::command();
    for (path, page) in pages() {
        for mention in page.split(&format!("`{PREFIX}")).skip(1) {
            let name = mention.split([' ', '`', '\n']).next().unwrap_or_default();
            let exists = name.starts_with("--") || commands.find_subcommand(name).is_some();
            assert!(exists, "{path}: {PREFIX}{name} does not exist");
        }
    }
}
