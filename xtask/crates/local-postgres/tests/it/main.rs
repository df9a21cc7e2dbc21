//! Against the real programs: makes, starts, breaks and removes servers. Needs a
//! PostgreSQL on this machine, and leaves nothing behind.

mod find;
mod recover;
mod scratch;
mod serve;
mod temporary;
