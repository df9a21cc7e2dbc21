//! Writes the software bill of materials (SBOM) of a release: all crates of its binaries, in CycloneDX format.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::platform::Platform;
use context::{process, project::Project};

const BINARIES: [&str; 2] = ["api", "migrate"];

/// The part of the `cargo metadata` output that the SBOM needs.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Writes the SBOM of the current source, and returns the path of the file.
pub fn write(project: &Project, tag: &str, platform: Platform) -> anyhow::Result<String> {
    let mut cargo = project.cargo(&["metadata", "--format-version=1", "--locked"]);
    let metadata = process::output(cargo.args(["--filter-platform", platform.target()]))?;
    let metadata =
        serde_json::from_str(&metadata).context("`cargo metadata` has an unknown output format")?;
    let checksums = checksums(&fs::read_to_string(project.path("Cargo.lock"))?);
    let path = project.runtime("releases").join(format!("{tag}.cdx.json"));
    fs::create_dir_all(project.runtime("releases"))?;
    let document = document(&metadata, &checksums, tag);
    fs::write(&path, serde_json::to_vec_pretty(&document)?)?;
    Ok(path.display().to_string())
}

fn document(metadata: &Metadata, checksums: &BTreeMap<String, String>, tag: &str) -> Value {
    let linked = linked(metadata);
    let reference = |package: &Package| format!("pkg:cargo/{}@{}", package.name, package.version);
    let packages: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .filter(|it| linked.contains(it.id.as_str()))
        .map(|it| (it.id.as_str(), it))
        .collect();
    let components = packages.values().map(|package| {
        let reference = reference(package);
        let mut component = json!({
            "type": "library",
            "bom-ref": reference,
            "name": package.name,
            "version": package.version,
        });
        if package.source.is_some() {
            component["purl"] = json!(reference);
        }
        if let Some(license) = &package.license {
            // Old manifests separate alternative licences with a slash, but SPDX requires `OR`.
            component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
        }
        if let Some(url) = &package.repository {
            component["externalReferences"] = json!([{ "type": "vcs", "url": url }]);
        }
        if let Some(sum) = checksums.get(&format!("{} {}", package.name, package.version)) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
        component
    });
    let dependencies = metadata.resolve.nodes.iter().filter_map(|node| {
        let package = packages.get(node.id.as_str())?;
        let on = needs(node).filter_map(|id| Some(reference(packages.get(id)?)));
        let on: BTreeSet<_> = on.collect();
        Some(json!({ "ref": reference(package), "dependsOn": on }))
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "container", "bom-ref": "release", "name": "slipway", "version": tag,
        } },
        "components": components.collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    })
}

/// Returns the packages that are linked into the binaries, without dependencies of build scripts and tests.
fn linked(metadata: &Metadata) -> BTreeSet<&str> {
    let nodes: BTreeMap<_, _> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let is_ours = |it: &&Package| it.source.is_none() && BINARIES.contains(&it.name.as_str());
    let mut open: Vec<_> = metadata.packages.iter().filter(is_ours).map(|it| &*it.id).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if found.insert(id)
            && let Some(node) = nodes.get(id)
        {
            open.extend(needs(node));
        }
    }
    found
}

fn needs(node: &Node) -> impl Iterator<Item = &str> {
    let is_linked = |it: &&Dependency| it.dep_kinds.iter().any(|kind| kind.kind.is_none());
    node.deps.iter().filter(is_linked).map(|it| it.pkg.as_str())
}

/// Returns the checksums of packages by name and version.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let packages = lock.split("[[package]]").skip(1);
    let of = |package: &str| {
        let value = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
        };
        Some((format!("{} {}", value("name")?, value("version")?), value("checksum")?))
    };
    packages.filter_map(of).collect()
}
