//! Sets the search path for shared libraries to the server's folder and the folder of Rust's libraries.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC");
    let output = Command::new(rustc).args(["--print", "target-libdir"]).output();
    let rust_libraries = String::from_utf8(output.expect("rustc runs").stdout).expect("UTF-8");
    for folder in ["$ORIGIN", rust_libraries.trim()] {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{folder}");
    }
    // Stores the path as DT_RPATH. The newer DT_RUNPATH would be overridden by LD_LIBRARY_PATH, which Cargo sets.
    println!("cargo::rustc-link-arg-bins=-Wl,--disable-new-dtags");
}
