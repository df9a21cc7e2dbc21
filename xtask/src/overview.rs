//! `cargo xtask` alone: the commands, by what one does with them.

use clap::CommandFactory;

use crate::cli::Cli;
use context::report;

/// Every command, in the groups and the order that people look for them in.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Everyday", &["up", "down", "status", "logs", "restart", "test"]),
    ("Database", &["psql", "migrate", "db", "recreate-db", "seed"]),
    ("Inside", &["exec", "shell", "token", "create-admin"]),
    ("When something is wrong", &["doctor"]),
    ("Production", &["deploy", "rollback", "releases", "scale", "push"]),
    ("Your own API", &["init", "new", "remove", "openapi", "client"]),
    ("Project", &["build", "ci", "base-images", "completions"]),
];

/// Shows the groups, with what each command says of itself.
pub(crate) fn show() {
    let cli = Cli::command();
    report::line("cargo xtask COMMAND: runs database, migrations and API, with Docker or without.");
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
    report::line("`cargo xtask up` is the first; `cargo xtask COMMAND --help` tells the rest.");
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
