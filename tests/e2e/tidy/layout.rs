//! `crates/` is part of the image, and `xtask/` is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{files, root};

/// Returns the names and texts of the package manifests below a folder.
fn manifests(folder: &str) -> Vec<(String, String)> {
    let package = |(path, text): (String, String)| {
        let name = text.split_once("[package]")?.1.split_once("name = \"")?.1.split_once('"')?.0;
        (path.ends_with("/Cargo.toml")).then(|| (name.to_owned(), text.clone()))
    };
    files(folder, &["toml"]).into_iter().filter_map(package).collect()
}

#[test]
fn production_crates_do_not_depend_on_xtask() {
    let tools: Vec<_> = manifests("xtask").into_iter().map(|(name, _)| name).collect();
    for (name, manifest) in manifests("crates") {
        let names = manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let foreign: Vec<_> = names.filter(|it| tools.iter().any(|own| own == it)).collect();
        assert!(
            foreign.is_empty(),
            "{name} is part of the image but depends on {foreign:?} of xtask"
        );
    }
}

#[test]
fn the_task_runner_does_not_compile_slow_dependencies() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let mut packages: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = package.split('"').nth(1).expect("a name");
        let (_, dependencies) = package.split_once("dependencies = [").unwrap_or_default();
        let names = dependencies.split('"').skip(1).step_by(2);
        packages.entry(name).or_default().extend(names.filter_map(|it| it.split(' ').next()));
    }
    // `open` also collects the dependencies of dependencies.
    for name in ["xtask", "dev-server", "migration-lint"] {
        let (mut open, mut seen) = (vec![name], BTreeSet::new());
        while let Some(package) = open.pop() {
            if seen.insert(package) {
                open.extend(&packages[package]);
            }
        }
        for slow in ["poem", "poem-openapi", "tokio-postgres"] {
            assert!(!seen.contains(slow), "{name} depends on {slow}, which takes long to compile");
        }
    }
}
