//! Asks the user to confirm a command.

use std::io::{self, IsTerminal, Write};

use anyhow::bail;

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
