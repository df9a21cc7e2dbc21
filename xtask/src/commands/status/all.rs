//! `cargo xtask status --all`: the stacks of every checkout on this machine.

use std::{path::Path, thread};

use serde::Serialize;

use context::{checkouts, git, http, project::Project, report, service::Service, state::State};

/// One of them, as `--json` prints it.
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
    database: String,
}

pub(super) fn show(json: bool) -> anyhow::Result<()> {
    let roots = checkouts::roots();
    let stacks: Vec<Stack> = thread::scope(|scope| {
        let asked: Vec<_> = roots.iter().map(|root| scope.spawn(|| look(root))).collect();
        asked
            .into_iter()
            .filter_map(|stack| stack.join().expect("looking does not panic"))
            .collect()
    });
    if json {
        report::line(&serde_json::to_string_pretty(&stacks)?);
        return Ok(());
    }
    if stacks.is_empty() {
        report::line("nothing is up on this machine: `cargo xtask up` starts it");
    }
    for stack in stacks {
        let Stack { root, project, branch, engine, profile, state, api, database } = stack;
        let branch = branch.map(|branch| format!(", branch {branch}")).unwrap_or_default();
        report::line(&format!("{project}: {state} ({engine}, {profile}{branch})"));
        report::field("Folder", root);
        report::field("API", api);
        report::field("Database", database);
    }
    Ok(())
}

/// The stack of this checkout, which is forgotten if it has none.
fn look(root: &Path) -> Option<Stack> {
    let project = Project::at(root).ok()?;
    let settings = project.settings().ok()?;
    let Ok((engine, state)) = engine::current(&project) else {
        checkouts::remove(root);
        return None;
    };
    let State { engine: kind, production, api_port, postgres_port, .. } = state;
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
        database: format!(
            "postgresql://{}@localhost:{postgres_port}/{}",
            settings.user, settings.database
        ),
        project: settings.project,
    })
}
