//! Rebuilds the crate when a migration is added or removed, because the embedding macros detect only edits.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
