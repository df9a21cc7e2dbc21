//! Tells the program where the libraries are that it loads, if it is built to load any: beside it, or with
//! Rust's own.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_PRELINKED").is_none() {
        return;
    }
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    let asked = Command::new(rustc).args(["--print", "target-libdir"]).output();
    let of_rust = String::from_utf8(asked.expect("rustc runs").stdout).expect("UTF-8");
    for folder in ["$ORIGIN", of_rust.trim()] {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{folder}");
    }
}
