//! Asks the user to confirm a command.

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
    write!(io::stderr(), "{question} [y/N] ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        bail!("cancelled; nothing was changed");
    }
    Ok(())
}
