//! Imports between the modules of a crate are acyclic.
//!
//! Modules with the same parent, each including its submodules, do not import each other in a cycle.
//! Imports between a module and its own submodules are allowed, because submodules are its implementation.
//! No module imports an item that `lib.rs` or `main.rs` defines.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    files, root,
    source::{File, Module, Reader},
};

/// The modules of a crate, by path.
#[derive(Default)]
struct Crate {
    modules: BTreeMap<Module, File>,
}

impl Crate {
    fn new(sources: &[(Module, &str)]) -> Self {
        let known: BTreeSet<_> = sources.iter().map(|(module, _)| module).collect();
        let read = |(module, text): &(Module, &str)| {
            let mut file = Reader::new(module, text).read();
            for path in file.names.values_mut() {
                // The path may begin with a submodule of this module, without `self`.
                let child = [&module[..], &path[..1]].concat();
                if known.contains(&child) {
                    *path = [&["crate".to_owned()], &child[..], &path[1..]].concat();
                }
            }
            (module.clone(), file)
        };
        Self { modules: sources.iter().map(read).collect() }
    }

    /// Returns the module of a path, and whether the path names an item in the module.
    fn resolve(&self, path: &[String], depth: usize) -> Option<(Module, bool)> {
        // Stops after a number of re-exports, so that a cycle of re-exports ends.
        if depth == 0 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let mut module = Module::new();
        if first != "crate" {
            return None;
        }
        while let Some((name, after)) = rest.split_first() {
            let child = [&module[..], std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                module = child;
            } else if let Some(target) = self.modules.get(&module)?.names.get(name) {
                return self.resolve(&[target, after].concat(), depth - 1);
            } else {
                return Some((module, true));
            }
            rest = after;
        }
        Some((module, false))
    }

    /// Returns the violations of the rules.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        // For each parent module, maps a pair of children to an example of an import between them.
        let mut levels: BTreeMap<Module, BTreeMap<(String, String), String>> = BTreeMap::new();
        for (module, file) in &self.modules {
            for path in file.paths.iter().chain(file.names.values()) {
                let Some((target, is_item)) = self.resolve(path, 8) else { continue };
                let example = format!("{} imports {}", show(module), path.join("::"));
                if target.is_empty() && is_item && !module.is_empty() {
                    problems.push(format!("{example}, which the crate's root defines"));
                }
                let shared = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (module.get(shared), target.get(shared)) {
                    let level = levels.entry(module[..shared].to_vec()).or_default();
                    level.entry((from.clone(), to.clone())).or_insert(example);
                }
            }
        }
        problems.extend(levels.values().filter_map(cycle));
        problems
    }
}

/// Returns a cycle in the graph with an import for each step.
fn cycle(edges: &BTreeMap<(String, String), String>) -> Option<String> {
    for start in edges.keys().map(|(from, _)| from) {
        // Searches for the shortest cycle that contains `start`.
        let (mut ways, mut seen) = (vec![vec![start]], BTreeSet::new());
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let last = *way.last().expect("a path has a start");
                for (_, to) in edges.keys().filter(|(from, _)| from == last) {
                    let way = [&way[..], &[to]].concat();
                    if to == start {
                        let names: Vec<_> = way.iter().map(|it| it.as_str()).collect();
                        let steps =
                            way.windows(2).map(|it| &edges[&(it[0].clone(), it[1].clone())]);
                        let steps: Vec<_> = steps.map(String::as_str).collect();
                        let steps = steps.join("\n    ");
                        return Some(format!("a cycle: {}\n    {steps}", names.join(" -> ")));
                    }
                    if seen.insert(to) {
                        longer.push(way);
                    }
                }
            }
            ways = longer;
        }
    }
    None
}

fn show(module: &[String]) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// Returns the crates below `crates` and `xtask` with their sources, by folder.
fn crates() -> BTreeMap<String, Vec<(String, String)>> {
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for folder in ["crates", "xtask"] {
        for (path, text) in files(folder, &["rs"]) {
            if let Some((owner, _)) = path.rsplit_once("/src/") {
                found.entry(owner.to_owned()).or_default().push((path, text));
            }
        }
    }
    found
}

#[test]
fn modules_do_not_import_each_other_in_cycles() {
    let mut problems = Vec::new();
    for (folder, sources) in crates() {
        let exists = |name: &str| root().join(&folder).join("src").join(name).exists();
        let own_root = if exists("lib.rs") { "lib" } else { "main" };
        let module = |path: &str| {
            let path = path.strip_prefix(&format!("{folder}/src/"))?.strip_suffix(".rs")?;
            let path: Module = path.split('/').map(str::to_owned).collect();
            match path.last()?.as_str() {
                "tests" => None,
                name if path.len() == 1 && name == own_root => Some(Module::new()),
                // `main.rs` next to `lib.rs` is a separate crate.
                "main" if path.len() == 1 => None,
                _ => Some(path),
            }
        };
        let sources: Vec<_> = sources
            .iter()
            .filter_map(|(path, text)| Some((module(path)?, text.as_str())))
            .collect();
        assert!(!sources.is_empty(), "{folder} has no source");
        problems.extend(Crate::new(&sources).problems().iter().map(|it| format!("{folder}: {it}")));
    }
    assert!(problems.is_empty(), "imports form cycles:\n{}", problems.join("\n"));
}

#[test]
fn cycles_and_imports_from_a_root_are_found() {
    let module =
        |path: &str| path.split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let problems = |sources: &[(&str, &str)]| {
        let sources: Vec<_> = sources.iter().map(|(path, text)| (module(path), *text)).collect();
        Crate::new(&sources).problems().join("\n")
    };
    // Imports from a parent are allowed. Comments and strings are ignored.
    let parent = [
        ("", "mod a; mod b; pub use a::Thing;"),
        ("a", "mod part; pub struct Thing; use part::work; /* crate::b */"),
        ("a::part", "use super::Thing; const TEXT: &str = \"crate::b::Other\"; // crate::b"),
        ("b", "use crate::Thing;"),
    ];
    assert_eq!(problems(&parent), "");
    // Tests an import through a re-export in the root, and a path without `use`.
    for import in ["use crate::{b::Other as It};", "fn f() { super::super::b::f() }"] {
        let mut cycle = parent;
        cycle[2].1 = import;
        let found = problems(&cycle);
        assert!(found.starts_with("a cycle: a -> b -> a\n    a::part imports crate::b"), "{found}");
    }
    let mut from_root = parent;
    (from_root[0].1, from_root[3].1) = ("mod a; mod b; pub struct Own;", "use crate::Own;");
    assert_eq!(problems(&from_root), "b imports crate::Own, which the crate's root defines");
}
