//! One file a command: its arguments, and what it does.

pub(crate) mod accounts;
pub(crate) mod base_images;
pub(crate) mod build;
pub(crate) mod ci;
pub(crate) mod client;
pub(crate) mod completions;
pub(crate) mod database;
pub(crate) mod db;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod exec;
pub(crate) mod init;
pub(crate) mod logs;
pub(crate) mod new;
pub(crate) mod openapi;
pub(crate) mod psql;
pub(crate) mod restart;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod up;

use std::io::{IsTerminal, Write};

use anyhow::bail;

/// Asks for a yes, unless it was given on the command line.
///
/// # Errors
/// Nobody is there to ask, or the answer is no.
fn confirm(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("{question} Nobody can answer here: say so with --yes");
    }
    anstream::eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was done");
    }
    Ok(())
}
