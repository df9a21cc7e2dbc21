//! The harness of the scenarios: copies of the repository, commands with a time limit, and the stack.

mod checkout;
mod engine;
pub(crate) mod interrupt;
mod run;
mod stack;

pub(crate) use checkout::{Checkout, free_port, target};
pub(crate) use engine::Engine;
pub(crate) use run::{Ran, Running, ask, eventually, run, signal};
pub(crate) use stack::{Stack, docker_inspect};
