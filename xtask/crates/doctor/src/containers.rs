//! Checks the containers and volumes of this project.

use context::{env_file, process::ProbeError, settings::Settings};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, some_of},
    inventory::{Container, Inventory, Volume, canonical, docker},
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
    // Containers whose checkout was deleted or moved are ignored, because they are not in use.
    let is_other = |container: &&Container| {
        canonical(&container.folder) != found.root && container.folder.join("compose.yaml").exists()
    };
    let other = found.all.iter().find(is_other)?.folder.clone();
    let what = format!(
        "this checkout and {} share containers and data, because both have COMPOSE_PROJECT_NAME={}",
        other.display(),
        settings.project
    );
    let name = env_file::project_name(&context.deadline.root);
    let remedy = format!("set COMPOSE_PROJECT_NAME={name} in .env of one checkout");
    let diagnostic = Diagnostic::error("second-checkout", what, remedy);
    let is_set_in_shell = std::env::var_os("COMPOSE_PROJECT_NAME").is_some();
    if is_set_in_shell || context.state.is_some() || name == settings.project {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |project| {
        env_file::create_if_missing(&project.root)?;
        env_file::set(&project.root, &[("COMPOSE_PROJECT_NAME", &name)])?;
        Ok(format!(
            "set COMPOSE_PROJECT_NAME={name} in .env; {} keeps the containers and data",
            other.display()
        ))
    }))
}

fn broken_model(context: &CheckContext, found: &Inventory) -> Option<Diagnostic> {
    // Stops if the Compose plug-in is missing, because another check reports this.
    context.parts().compose.as_ref().ok()?;
    let Err(ProbeError::Failed(stderr)) = &found.model else { return None };
    let what = format!("docker compose cannot read its files: {stderr}");
    Some(Diagnostic::error("compose-file", what, "run `docker compose config` to find the error"))
}

/// Finds containers of services that were removed from the compose files.
fn orphans(found: &Inventory) -> Option<Diagnostic> {
    let model = found.model.as_ref().ok()?;
    let is_orphan = |container: &&&Container| !model.services.contains_key(&container.service);
    let ours = found.own_containers();
    let orphans: Vec<_> = ours.iter().filter(is_orphan).map(|it| it.name.clone()).collect();
    if orphans.is_empty() {
        return None;
    }
    let what = format!("containers without a service in the compose files: {}", some_of(&orphans));
    let remedy = format!("docker rm --force {}", orphans.join(" "));
    let diagnostic = Diagnostic::warning("orphan-containers", what, remedy);
    // A running container may be in use, so no fix is offered.
    if ours.iter().filter(is_orphan).any(|container| container.state == "running") {
        return Some(diagnostic);
    }
    Some(diagnostic.with_fix(move |_| {
        for name in &orphans {
            docker(&["rm", name])?;
        }
        Ok(format!("removed {}; volumes were kept", some_of(&orphans)))
    }))
}

/// Finds volumes that were removed from the compose files. No fix deletes a volume.
fn volumes(found: &Inventory) -> Option<Diagnostic> {
    let model = found.model.as_ref().ok()?;
    let is_orphan = |volume: &&Volume| !model.volumes.contains_key(&volume.key);
    let names: Vec<_> =
        found.volumes.iter().filter(is_orphan).map(|volume| volume.name.clone()).collect();
    let what = format!("volumes that the compose files do not define: {}", some_of(&names));
    let remedy = format!("docker volume rm {} (deletes the data)", names.join(" "));
    (!names.is_empty()).then(|| Diagnostic::warning("orphan-volumes", what, remedy))
}
