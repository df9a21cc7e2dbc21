//! Sets where the server finds its shared libraries: in its own folder, and in the folder of Rust's libraries.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    let output = Command::new(rustc).args(["--print", "target-libdir"]).output();
    let rust_libraries = String::from_utf8(output.expect("rustc runs").stdout).expect("UTF-8");
    for folder in ["$ORIGIN", rust_libraries.trim()] {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{folder}");
    }
    // Cargo sets LD_LIBRARY_PATH to its own folder for what it runs. Only the older kind of path goes before that.
    println!("cargo::rustc-link-arg-bins=-Wl,--disable-new-dtags");
}
