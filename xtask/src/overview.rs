//! `cargo xtask` without a command: lists all commands in groups.

use clap::CommandFactory;

use crate::cli::Cli;
use context::report;

/// All commands in groups, the most used first.
pub(crate) const GROUPS: [(&str, &[&str]); 7] = [
    ("Everyday", &["up", "down", "status", "open", "logs", "restart", "test"]),
    ("Database", &["psql", "migrate", "db", "recreate-db", "seed"]),
    ("Tools", &["exec", "shell", "token", "create-admin"]),
    ("Troubleshooting", &["doctor"]),
    ("Production", &["deploy", "rollback", "releases", "scale", "secrets", "push"]),
    ("Your API", &["init", "new", "remove", "routes", "openapi", "client"]),
    ("Project", &["build", "ci", "base-images", "completions"]),
];

/// Prints the groups with the description of each command.
pub(crate) fn show() {
    let cli = Cli::command();
    report::line(
        "cargo xtask COMMAND: run the database, the migrations and the API, with or without Docker",
    );
    for (group, names) in GROUPS {
        report::line("");
        report::heading(group);
        for name in names {
            let command = cli.find_subcommand(name);
            let about = command.and_then(clap::Command::get_about);
            report::entry(name, &about.map_or_else(String::new, ToString::to_string));
        }
    }
    report::line("");
    report::line(
        "Start with `cargo xtask up`. Run `cargo xtask COMMAND --help` for the options of a command.",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let cli = Cli::command();
        let mut known: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
        let mut shown: Vec<_> =
            GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        known.sort_unstable();
        shown.sort_unstable();
        assert_eq!(shown, known);
    }
}
