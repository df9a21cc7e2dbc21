//! Collects the files that undo migrations, and rebuilds the crate when a migration is added or
//! removed: the macro that embeds the migrations sees only edits.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    let mut downs = Vec::new();
    for entry in fs::read_dir("migrations")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".down.sql") {
            // The text and not the path: checkouts that share a target folder share what is built here.
            let text = fs::read_to_string(&path)?;
            downs.push(format!("({name:?}, {text:?}),\n"));
        }
    }
    downs.sort();
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&folder).join("downs.rs"), format!("[{}]", downs.concat()))
}
