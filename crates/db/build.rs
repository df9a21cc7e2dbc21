//! Rebuilds the crate when a migration is added or removed: the macro that embeds them sees only edits.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
