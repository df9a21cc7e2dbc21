//! Writes the list of commands in `docs/commands.md` from the definition of the command line.

use clap::{Arg, Command, CommandFactory};

use crate::{cli::Cli, overview::GROUPS};

/// The maximum length of a line.
const WIDTH: usize = 120;

/// Returns the list of all commands in groups, with their arguments and descriptions.
pub(super) fn list() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut lines = Vec::new();
    for (group, names) in GROUPS {
        lines.extend([format!("### {group}"), String::new()]);
        for name in names {
            let command = cli.find_subcommand(name).expect("the command exists");
            describe(command, name, &mut lines);
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

/// Adds the lines of a command and of its subcommands.
fn describe(command: &Command, name: &str, lines: &mut Vec<String>) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let arguments = command.get_arguments().filter(|argument| {
        !argument.is_hide_set()
            && !argument.is_global_set()
            && !matches!(argument.get_id().as_str(), "help" | "version")
    });
    let usage: Vec<_> = [name.to_owned()].into_iter().chain(arguments.map(usage)).collect();
    wrap(&format!("- `{}`: {about}", usage.join(" ")), lines);
    for sub in command.get_subcommands() {
        if !sub.is_hide_set() && sub.get_name() != "help" {
            describe(sub, &format!("{name} {}", sub.get_name()), lines);
        }
    }
}

/// Returns an argument as in a usage line, such as `[--to N]`.
fn usage(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.first().map(|name| name.as_str().to_uppercase()).unwrap_or_default();
    let text = match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None if argument.is_last_set() => format!("-- {value}"),
        None => value,
    };
    if argument.is_required_set() { text } else { format!("[{text}]") }
}

/// Adds a list item, broken into lines.
fn wrap(text: &str, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            lines.push(std::mem::replace(&mut line, format!("  {word}")));
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
    }
    lines.push(line);
}
