//! Questions that a person has to confirm.

use std::io::{self, IsTerminal, Write};

use anyhow::bail;

/// Asks for a yes, unless `yes` was given on the command line.
///
/// # Errors
/// Standard input is not a terminal, or the answer is no.
pub fn confirm(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("{question} Nobody can answer here: say so with --yes");
    }
    anstream::eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was done");
    }
    Ok(())
}
