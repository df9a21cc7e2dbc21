//! Collects the files that undo migrations and the newest version, and rebuilds the crate when a migration is added
//! or removed: the macro that embeds the migrations sees only edits.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    let (mut downs, mut latest) = (Vec::new(), 0);
    for entry in fs::read_dir("migrations")? {
        let path = entry?.path();
        // Each by name too: in another checkout with the same target folder a file can be missing, and its folder old.
        println!("cargo:rerun-if-changed={}", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        latest = latest.max(migration_files::parse(&name).map_or(0, |(version, _)| version));
        if name.ends_with(".down.sql") {
            // The text and not the path: checkouts that share a target folder share what is built here.
            let text = fs::read_to_string(&path)?;
            downs.push(format!("({name:?}, {text:?}),\n"));
        }
    }
    downs.sort();
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    let folder = Path::new(&folder);
    fs::write(folder.join("latest.rs"), latest.to_string())?;
    fs::write(folder.join("downs.rs"), format!("[{}]", downs.concat()))
}
