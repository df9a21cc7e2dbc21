//! `cargo xtask status --all`: shows the stacks of all checkouts on this machine.

use std::{path::Path, thread};

use serde::Serialize;

use context::{
    checkouts, git, http, project::Project, report, service::Service, state::State, urls::Urls,
};

/// A stack in the output of `--json`.
#[derive(Serialize)]
struct Stack {
    root: String,
    project: String,
    branch: Option<String>,
    engine: &'static str,
    profile: &'static str,
    /// `ready`, `not ready` or `stopped`.
    state: &'static str,
    api: String,
    /// None if the port of the database is not published.
    database: Option<String>,
}

pub(super) fn show(json: bool) -> anyhow::Result<()> {
    let roots = checkouts::roots();
    let stacks: Vec<Stack> = thread::scope(|scope| {
        let queries: Vec<_> = roots.iter().map(|root| scope.spawn(|| stack_of(root))).collect();
        queries
            .into_iter()
            .filter_map(|query| query.join().expect("a query does not panic"))
            .collect()
    });
    if json {
        report::json(&stacks)?;
        return Ok(());
    }
    if stacks.is_empty() {
        report::line("no stack is running on this machine. Start a stack with `cargo xtask up`.");
    }
    for stack in stacks {
        let Stack { root, project, branch, engine, profile, state, api, database } = stack;
        let branch = branch.map(|branch| format!(", branch {branch}")).unwrap_or_default();
        report::line(&format!("{project}: {state} ({engine}, {profile}{branch})"));
        report::field("Folder", root);
        report::field("API", api);
        if let Some(database) = database {
            report::field("Database", database);
        }
    }
    Ok(())
}

/// Returns the stack of a checkout. Removes the record of a checkout without a stack.
fn stack_of(root: &Path) -> Option<Stack> {
    let project = Project::at(root).ok()?;
    let settings = project.settings().ok()?;
    let Ok((engine, state)) = engine::current(&project) else {
        checkouts::remove(root);
        return None;
    };
    let database = Urls::of(&state, &settings).database;
    let State { engine: kind, production, api_port, .. } = state;
    let services = engine.services(false).unwrap_or_default();
    Some(Stack {
        root: root.display().to_string(),
        branch: git::branch(&project),
        engine: kind.as_str(),
        profile: if production { "production" } else { "dev" },
        state: match services.iter().any(Service::is_running) {
            true if http::is_ready(api_port) => "ready",
            true => "not ready",
            false => "stopped",
        },
        api: format!("http://localhost:{api_port}"),
        database,
        project: settings.project,
    })
}
