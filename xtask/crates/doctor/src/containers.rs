//! Checks of the containers and volumes of this project.

use context::{env_file, process::ProbeError, settings::Settings};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, some_of},
    inventory::{Container, Inventory, Volume, docker, real},
};

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let (Some(found), Some(settings)) = (context.containers(), &context.settings) else {
        return Vec::new();
    };
    [
        second_checkout(context, settings, found),
        broken_model(context, found),
        orphans(found),
        volumes(found),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn second_checkout(
    context: &CheckContext,
    settings: &Settings,
    found: &Inventory,
) -> Option<Diagnostic> {
    // A folder that is gone was moved, or is no rival any more.
    let is_other = |container: &&Container| {
        real(&container.folder) != found.root && container.folder.join("compose.yaml").exists()
    };
    let other = found.all.iter().find(is_other)?.folder.clone();
    let what = format!(
        "{} has the same COMPOSE_PROJECT_NAME, {}: the two share containers and data",
        other.display(),
        settings.project
    );
    let name = env_file::project_name(&context.deadline.root);
    let remedy = format!("set COMPOSE_PROJECT_NAME={name} in .env of one of them");
    let diagnostic = Diagnostic::error("second-checkout", what, remedy);
    let is_of_shell = std::env::var_os("COMPOSE_PROJECT_NAME").is_some();
    if is_of_shell || context.state.is_some() || name == settings.project {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |project| {
        env_file::create_if_missing(&project.root)?;
        env_file::set(&project.root, &[("COMPOSE_PROJECT_NAME", &name)])?;
        Ok(format!(
            "this checkout is called {name} from now on; containers and data stay with {}",
            other.display()
        ))
    }))
}

fn broken_model(context: &CheckContext, found: &Inventory) -> Option<Diagnostic> {
    // A Compose that is missing is told elsewhere.
    context.parts().compose.as_ref().ok()?;
    let Err(ProbeError::Failed(said)) = &found.model else { return None };
    let what = format!("docker compose cannot read its files: {said}");
    Some(Diagnostic::error("compose-file", what, "docker compose config says where"))
}

/// Inventory of services that the compose files do not name any more.
fn orphans(found: &Inventory) -> Option<Diagnostic> {
    let model = found.model.as_ref().ok()?;
    let is_orphan = |container: &&&Container| !model.services.contains_key(&container.service);
    let ours = found.ours();
    let orphans: Vec<_> = ours.iter().filter(is_orphan).map(|it| it.name.clone()).collect();
    if orphans.is_empty() {
        return None;
    }
    let what = format!("no service of the compose files has made {}", some_of(&orphans));
    let remedy = format!("docker rm --force {}", orphans.join(" "));
    let diagnostic = Diagnostic::warning("orphan-containers", what, remedy);
    // One that runs may be in use.
    if ours.iter().filter(is_orphan).any(|container| container.state == "running") {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |_| {
        for name in &orphans {
            docker(&["rm", name])?;
        }
        Ok(format!("removed {}; volumes stay", some_of(&orphans)))
    }))
}

/// Volumes hold data: they are named, and left alone.
fn volumes(found: &Inventory) -> Option<Diagnostic> {
    let model = found.model.as_ref().ok()?;
    let is_orphan = |volume: &&Volume| !model.volumes.contains_key(&volume.key);
    let names: Vec<_> =
        found.volumes.iter().filter(is_orphan).map(|volume| volume.name.clone()).collect();
    let what = format!("the compose files do not name the volume {}", some_of(&names));
    let remedy = format!("docker volume rm {} (with what is in it)", names.join(" "));
    (!names.is_empty()).then(|| Diagnostic::warning("orphan-volumes", what, remedy))
}
