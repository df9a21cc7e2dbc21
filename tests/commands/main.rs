//! End-to-end tests of the commands, as people type them: `COMMANDS_ENGINE=local cargo test -p commands`.
//!
//! They run one after the other. Most of them share one stack ([`harness::Stack`]), which every one
//! finds up and healthy, so any of them can be run alone: put words of its name after `--`.

mod broken_source;
mod browser;
mod containers;
mod crashes;
mod data;
mod edits;
mod engine_choice;
mod first_up;
mod harness;
mod interrupts;
mod neighbours;
mod ports;
mod production;
mod settings;
mod tools;

use std::{
    process::ExitCode,
    sync::{Arc, LazyLock},
};

use harness::{Engine, Stack};
use libtest_mimic::{Arguments, Trial};

type Scenario = fn(&Stack);

/// Scenarios with their names.
macro_rules! named {
    ($($scenario:path),* $(,)?) => { [$((stringify!($scenario), $scenario as Scenario)),*] };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let engine = Engine::asked_for();
    let stack = Arc::new(LazyLock::new(move || Stack::start(engine)));
    let trials = scenarios(engine)
        .into_iter()
        .map(|(name, scenario)| {
            let stack = Arc::clone(&stack);
            Trial::test(name, move || {
                stack.make_ready();
                scenario(&stack);
                Ok(())
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The last owner: takes everything down.
    drop(stack);
    conclusion.exit_code()
}

/// In their order: what costs a long build, or removes the caches, comes last.
fn scenarios(engine: Engine) -> Vec<(&'static str, Scenario)> {
    let scenarios = named![
        first_up::the_first_up_makes_the_whole_stack_and_says_where_it_is,
        first_up::up_as_the_readme_has_it_changes_nothing_the_second_time,
    ]
    .to_vec();
    let _ = engine;
    scenarios
}
