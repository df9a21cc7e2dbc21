//! Asks the user before a command changes something.

use std::io::{self, IsTerminal, Write};

use anyhow::bail;

/// Asks the user to confirm a command that removes or replaces data. In production, the command line must also name the
/// production stack: `is_named` is the flag `--production` or `--host`.
///
/// # Errors
/// The stack is in production and not named, or the errors of [`confirm`].
pub fn confirm_loss(
    question: &str,
    production: bool,
    is_named: bool,
    yes: bool,
) -> anyhow::Result<()> {
    if production && !is_named {
        bail!(
            "{question} The stack runs in the production profile. To do this in production, pass --production, and \
             --yes if stdin is not a terminal."
        );
    }
    confirm(question, yes)
}

/// Asks the user to confirm. Does not ask if `yes`, the flag `--yes`, is set.
///
/// # Errors
/// Standard input is not a terminal, or the user did not enter `y` or `yes`.
pub fn confirm(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("{question} stdin is not a terminal; pass --yes to confirm");
    }
    if !matches!(ask(&format!("{question} [y/N]"))?.as_str(), "y" | "yes") {
        bail!("cancelled; nothing was changed");
    }
    Ok(())
}

/// Asks the user, and returns false if the user enters anything but `y`, `yes` or nothing. Returns true without a
/// question if `yes`, the flag `--yes`, is set or standard input is not a terminal.
pub fn agrees(question: &str, yes: bool) -> anyhow::Result<bool> {
    if yes || !io::stdin().is_terminal() {
        return Ok(true);
    }
    Ok(matches!(ask(&format!("{question} [Y/n]"))?.as_str(), "" | "y" | "yes"))
}

/// Returns the reply in lower case.
fn ask(question: &str) -> io::Result<String> {
    write!(io::stderr(), "{question} ")?;
    io::stderr().flush()?;
    let mut reply = String::new();
    if io::stdin().read_line(&mut reply)? == 0 {
        // The terminal was closed.
        return Ok("no".to_owned());
    }
    Ok(reply.trim().to_lowercase())
}
