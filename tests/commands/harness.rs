//! What the scenarios share: a copy of the repository, commands with a time limit, the stack.

mod checkout;
mod engine;
mod run;
mod stack;

pub(crate) use checkout::Checkout;
pub(crate) use engine::Engine;
pub(crate) use run::{DEADLINE, Running, ask, eventually, run};
pub(crate) use stack::Stack;
