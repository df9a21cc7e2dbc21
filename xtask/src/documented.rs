//! Checks that `docs/commands.md` lists all commands and exit codes, and that the commands in README, AGENTS,
//! CONTRIBUTING and docs exist.

mod page;

use std::{env, fs, path::Path};

use clap::{CommandFactory, error::ErrorKind};

use crate::cli::Cli;

const PREFIX: &str = "cargo xtask ";

/// The markers around the generated part of `docs/commands.md`.
const BEGIN: &str = "<!-- generated: begin -->\n\n";
const END: &str = "\n<!-- generated: end -->";

/// Returns the root folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the repository")
}

/// Returns all pages of docs, and the pages of the root folder that name commands, with their paths.
fn pages() -> Vec<(String, String)> {
    let root = root();
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

#[test]
fn commands_page_lists_every_command_and_argument() {
    let path = root().join("docs/commands.md");
    let page = fs::read_to_string(&path).expect("the page can be read");
    let (before, rest) = page.split_once(BEGIN).expect("the page has the first marker");
    let (list, after) = rest.split_once(END).expect("the page has the second marker");
    if env::var_os("UPDATE_COMMANDS").is_some() {
        fs::write(&path, [before, BEGIN, &page::list(), END, after].concat()).expect("a file");
        return;
    }
    assert_eq!(
        list,
        page::list(),
        "docs/commands.md is out of date. Run `UPDATE_COMMANDS=1 cargo test -p xtask commands_page`."
    );
}

/// Adds the exit codes in the Rust files below `folder`, with the files.
fn exit_codes(folder: &Path, codes: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            exit_codes(&path, codes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let constants = text.lines().filter(|line| line.starts_with("const EX_"));
            let constants = constants.filter_map(|line| line.split(" = ").nth(1));
            let calls = ["ExitCode::from(", "process::exit("];
            let literals = calls.iter().flat_map(|call| text.split(call).skip(1));
            for text in constants.chain(literals) {
                let code: String = text.chars().take_while(char::is_ascii_digit).collect();
                if !code.is_empty() {
                    codes.push((path.display().to_string(), code));
                }
            }
        }
    }
}

#[test]
fn programs_use_only_the_documented_exit_codes() {
    let page = fs::read_to_string(root().join("docs/commands.md")).expect("the page can be read");
    let mut codes = Vec::new();
    for folder in ["crates", "xtask"] {
        exit_codes(&root().join(folder), &mut codes);
    }
    assert!(codes.iter().any(|(_, code)| code == "78"), "the search does not find any code");
    for (path, code) in codes {
        let row = format!("\n| {code} |");
        assert!(page.contains(&row), "{path} uses {code}, which docs/commands.md does not list");
    }
}
