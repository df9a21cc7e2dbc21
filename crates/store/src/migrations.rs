//! The migration runner: the set of migrations, and the history that a database keeps of them.

mod apply;
mod description;
mod history;
mod preview;
mod set;
mod undo;

pub use migration_files::{Migration, Problem};

pub use apply::apply;
pub use description::describe;
pub use history::{Applied, applied, version};
pub use preview::{Effect, preview};
pub use set::{Migrations, Mismatch};
pub use undo::{Undo, undo};
