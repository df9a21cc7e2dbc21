//! Runs the stack in Docker or on this machine. Both engines implement the trait [`Engine`].

pub mod choose;
mod compose_stack;
pub mod database_branch;
mod dev_server;
mod docker;
pub mod docker_parts;
mod engine;
mod external;
pub mod images;
mod local;
mod log_file;
mod obtain;
pub mod postgres;
mod processes;
mod ready;
pub mod upgrade;

use context::{
    engine_kind::{EngineChoice, EngineKind},
    project::Project,
    settings::Settings,
    state::State,
};
use deploy::{ProductionArgs, Server};

pub use choose::{choose, postgres as find_or_obtain_postgres};
pub use dev_server::{DevServer, SourceStatus};
pub use docker::Docker;
pub use engine::Engine;
pub use obtain::obtain;
pub use ready::wait_until_ready;

use external::External;
use local::Local;

/// Returns the engine of a stack in this state.
pub fn open<'a>(
    project: &'a Project,
    settings: Settings,
    state: &State,
) -> anyhow::Result<Box<dyn Engine + 'a>> {
    Ok(match state.engine {
        EngineKind::Docker => Box::new(Docker::new(project, settings, state)),
        EngineKind::Local => Box::new(Local::new(project, settings, state)?),
        EngineKind::External => Box::new(External::new(project, settings, state)?),
    })
}

/// Returns the engine and the state of the running stack.
///
/// # Errors
/// No stack is running.
pub fn current(project: &Project) -> anyhow::Result<(Box<dyn Engine + '_>, State)> {
    let settings = project.settings()?;
    let state = State::load(project).or_else(|| compose_stack::find(project, &settings));
    let state = state.ok_or_else(|| {
        anyhow::anyhow!("no stack is running. Start the stack with `cargo xtask up`.")
    })?;
    Ok((open(project, settings, &state)?, state))
}

/// Returns the engine and the state of the production stack that the command line selects, otherwise of the running
/// stack of this checkout.
///
/// # Errors
/// The host is invalid, or no stack is running.
pub fn selected<'a>(
    project: &'a Project,
    settings: &'a Settings,
    stack: &ProductionArgs,
) -> anyhow::Result<(Box<dyn Engine + 'a>, State)> {
    let Some(server) = deployed_server(project, settings, stack)? else { return current(project) };
    let why = "selected by the command line".to_owned();
    let state = State { production: true, ..State::new(EngineKind::Docker, why, settings) };
    Ok((Box::new(Docker::deployed(project, server)?), state))
}

/// Returns the server of the deployed stack that the command line selects. Returns `None` for a stack of this checkout,
/// including the one of `up --production`.
pub fn deployed_server<'a>(
    project: &'a Project,
    settings: &'a Settings,
    stack: &ProductionArgs,
) -> anyhow::Result<Option<Server<'a>>> {
    let is_production = || State::load(project).is_some_and(|state| state.production);
    let server = stack.server(project, settings)?;
    Ok(server.filter(|server| server.is_remote() || !is_production()))
}

/// Returns the state of the stack, or a new state with the chosen engine if no stack is running.
pub fn select(project: &Project, flag: Option<EngineChoice>) -> anyhow::Result<State> {
    let settings = project.settings()?;
    if let Some(state) = State::load(project)
        && settings.forced(flag).is_none_or(|kind| kind == state.engine)
    {
        return Ok(state);
    }
    let (engine, why) = choose(&settings, flag, &|missing| Err(missing.into()))?;
    Ok(State::new(engine, why, &settings))
}
