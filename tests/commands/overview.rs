//! The task runner's own output: the overview, suggestions for typing errors, completions.

use std::process::Command;

use crate::harness::{Stack, ask, run};

pub(crate) fn no_command_prints_an_overview(stack: &Stack) {
    let mut ran = run(&mut stack.xtask("")).succeeded();
    for text in ["Everyday", "up ", "Database", "recreate-db", "doctor", "completions"] {
        ran = ran.prints(text);
    }
}

pub(crate) fn an_unknown_command_suggests_the_nearest(stack: &Stack) {
    for (typed, meant) in [("statsu", "status"), ("recreatedb", "recreate-db"), ("pqsl", "psql")] {
        run(&mut stack.xtask(typed)).ended_with(2).prints(format!("'{meant}'"));
    }
}

pub(crate) fn bash_completes_only_after_cargo_xtask(stack: &Stack) {
    let script = ask(&mut stack.xtask("completions bash"));
    let complete = |words: &str| {
        let script = format!(
            "_cargo() {{ COMPREPLY=(as-before); }}\n{script}\n\
             COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _cargo_xtask cargo \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\""
        );
        ask(Command::new("bash").args(["--norc", "-c", &script]))
    };
    assert_eq!(complete("cargo xtask rec"), "recreate-db");
    assert_eq!(complete("cargo xtask doctor --j"), "--json");
    assert_eq!(complete("cargo bui"), "as-before");
    assert_eq!(complete("cargo xtask"), "as-before");
}

pub(crate) fn other_shells_get_a_completion_script(stack: &Stack) {
    for (shell, registers) in [
        ("zsh", "compdef _cargo_xtask cargo"),
        ("fish", "complete --command cargo"),
        ("powershell", "-CommandName 'cargo'"),
    ] {
        run(&mut stack.xtask(&format!("completions {shell}")))
            .succeeded()
            .prints(registers)
            .prints("recreate-db");
    }
    run(&mut stack.xtask("completions tcsh")).failed().prints("powershell");
    run(&mut stack.xtask("completions --help")).succeeded().prints(".bashrc");
}
