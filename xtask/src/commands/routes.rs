//! `cargo xtask routes`: lists the operations of the API.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

use context::{project::Project, report};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// List the operations of the API with method, path, permissions and handler
///
/// Reads openapi.json, so run `cargo xtask openapi` first if you have changed the API.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An operation of the API.
#[derive(Debug, PartialEq, Serialize)]
struct Route {
    method: String,
    path: String,
    operation: String,
    /// The roles that the token must have. Empty if the operation needs no token.
    permissions: Vec<String>,
    /// True if the operation can also be called without a token.
    public: bool,
    /// The file, line and name of the function. `None` if the source has no such operation.
    handler: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let text = fs::read_to_string(project.path("openapi.json"))
            .context("cannot read openapi.json. Run `cargo xtask openapi` to write the file")?;
        let document = serde_json::from_str(&text).context(
            "openapi.json is not valid JSON. Run `cargo xtask openapi` to write the file again",
        )?;
        let mut sources = Vec::new();
        read_sources(&project.root, &project.path("crates"), &mut sources)?;
        let routes = routes(&document, &sources);
        if self.json {
            report::json(&routes)?;
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<_> = routes.iter().map(Route::row).collect();
        report::table(&[], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Route {
    fn row(&self) -> Vec<String> {
        let place = format!("{:<7}{}", self.method, self.path);
        vec![place, self.permissions(), self.handler.clone().unwrap_or_default()]
    }

    fn permissions(&self) -> String {
        match (self.permissions.join(", "), self.public) {
            (_, true) if self.permissions.is_empty() => "public".to_owned(),
            (permissions, true) => format!("{permissions} or public"),
            (permissions, false) => permissions,
        }
    }
}

/// Reads the Rust files below `folder`, with their paths relative to `root`.
fn read_sources(
    root: &Path,
    folder: &Path,
    sources: &mut Vec<(String, String)>,
) -> anyhow::Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            read_sources(root, &path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
            sources.push((name, text));
        }
    }
    Ok(())
}

/// Returns the operations of the OpenAPI document, in its order.
fn routes(document: &Value, sources: &[(String, String)]) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let id = operation["operationId"].as_str().unwrap_or_default();
            // Operations without a token have an empty list of requirements, or one empty requirement.
            let security = operation["security"].as_array().map_or(&[][..], Vec::as_slice);
            let roles = security.iter().filter_map(|requirement| requirement["token"].as_array());
            let is_empty = |requirement: &Value| {
                requirement.as_object().is_some_and(serde_json::Map::is_empty)
            };
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                operation: id.to_owned(),
                permissions: roles.flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
                public: security.is_empty() || security.iter().any(is_empty),
                handler: handler(id, sources),
            });
        }
    }
    routes
}

/// Returns the file, line and name of the function below `operation_id = "ID"`.
fn handler(id: &str, sources: &[(String, String)]) -> Option<String> {
    let attribute = format!("operation_id = \"{id}\"");
    sources.iter().find_map(|(file, text)| {
        let lines = (1..).zip(text.lines()).skip_while(|(_, line)| !line.contains(&attribute));
        let (number, line) = lines.skip(1).find(|(_, line)| line.contains("fn "))?;
        let name = line.split("fn ").nth(1)?.split(['(', '<']).next()?;
        Some(format!("{file}:{number} {name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_has_permissions_and_the_function_below_the_operation_id() {
        let document = serde_json::json!({ "paths": {
            "/things": {
                "post": { "operationId": "addThing", "security": [{ "token": ["admin"] }, {}] },
                "get": { "operationId": "listThings", "security": [] },
            },
        } });
        let source = "#[oai(operation_id = \"listThings\")]\nasync fn list(&self) {}\n\n\
                      #[oai(operation_id = \"addThing\")]\n/// Adds.\npub async fn add<T>(&self) {}\n";
        let routes = routes(&document, &[("things.rs".to_owned(), source.to_owned())]);
        let shown = |route: &Route| {
            (route.method.clone(), route.permissions(), route.handler.clone().unwrap_or_default())
        };
        let owned = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            routes.iter().map(shown).collect::<Vec<_>>(),
            [
                owned("GET", "public", "things.rs:2 list"),
                owned("POST", "admin or public", "things.rs:6 add"),
            ]
        );
    }
}
