//! `cargo xtask completions`: prints completion scripts for shells.

use std::process::ExitCode;

use clap::{Command, ValueEnum};
use clap_complete::generate;

use context::report;

/// Print the completion script of a shell for `cargo xtask`
///
/// Completes `cargo xtask` and an alias or function named `xtask`. Completion of other cargo commands does
/// not change. To enable the script in every new shell, write it to a file that the shell reads after its
/// other completions:
///
///   bash        cargo xtask completions bash > ~/.xtask.bash && echo '. ~/.xtask.bash' >> ~/.bashrc
///
///   zsh         cargo xtask completions zsh > ~/.xtask.zsh && echo '. ~/.xtask.zsh' >> ~/.zshrc
///               (the line must be below `compinit`)
///
///   fish        cargo xtask completions fish > ~/.config/fish/conf.d/xtask.fish
///
///   PowerShell  cargo xtask completions powershell >> $PROFILE
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell that loads the script
    #[arg(value_enum)]
    shell: Shell,
}

/// The shells with a wrapper around cargo's own completion.
#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
}

/// The generated script completes a program named `xtask`. This wrapper calls the generated script for `cargo xtask`,
/// and cargo's own completion for other commands.
const BASH: &str = r#"
declare -F _cargo >/dev/null || __load_completion cargo 2>/dev/null || _completion_loader cargo 2>/dev/null
_cargo_xtask() {
    if [[ ${COMP_WORDS[1]} == xtask && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=("${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _xtask xtask "$2" "$3"
    elif declare -F _cargo >/dev/null; then
        _cargo "$@"
    fi
}
complete -F _cargo_xtask -o bashdefault -o default cargo
"#;

const ZSH: &str = r#"
_cargo_xtask() {
    if [[ $words[2] == xtask && CURRENT -gt 2 ]]; then
        shift words
        (( CURRENT-- ))
        _xtask
    elif (( $+functions[_cargo] )); then
        _cargo "$@"
    fi
}
compdef _cargo_xtask cargo
"#;

const FISH: &str = r#"
complete --command cargo --condition '__fish_seen_subcommand_from xtask' --no-files \
    --arguments '(complete --do-complete (string replace --regex "^cargo +" "" -- (commandline -cp)))'
"#;

const POWERSHELL: &str = r"
Register-ArgumentCompleter -Native -CommandName 'cargo' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $line = $commandAst.ToString().PadRight($cursorPosition)
    if ($line -match '^cargo\s+(xtask\s.*)$') {
        (TabExpansion2 -inputScript $Matches[1] -cursorColumn $Matches[1].Length).CompletionMatches
    }
}
";

impl Args {
    /// Prints the completion script for `cli`.
    pub(crate) fn run(self, cli: Command) -> ExitCode {
        use clap_complete::Shell as Generator;
        let (generator, wrapper) = match self.shell {
            Shell::Bash => (Generator::Bash, BASH),
            Shell::Zsh => (Generator::Zsh, ZSH),
            Shell::Fish => (Generator::Fish, FISH),
            Shell::PowerShell => (Generator::PowerShell, POWERSHELL),
        };
        let mut command = cli.name("xtask").bin_name("xtask");
        let mut script = Vec::new();
        generate(generator, &mut command, "xtask", &mut script);
        report::line(&(String::from_utf8_lossy(&script) + wrapper));
        ExitCode::SUCCESS
    }
}
