//! What runs the stack: Docker, or this machine. Every command works on both through [`Engine`].

pub(crate) mod choose;
mod docker;
mod follower;
pub(crate) mod images;
mod local;

use std::process::{Command, ExitCode};

use anyhow::bail;
use serde::{Deserialize, Serialize};

use crate::{
    compile::Signs,
    project::Project,
    settings::{Choice, Settings},
    state::{ApiProcess, State},
};

pub(crate) use choose::choose;
pub(crate) use docker::{Docker, memory, program_in};
pub(crate) use follower::{Follower, Source};
pub(crate) use local::{Local, connected, log_tail};

/// What whoever needs the migration tool is told when there is none.
const NOT_BUILT: &str =
    "the migration tool is not built yet: let `cargo xtask up` run to its end first";

/// The engines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Docker,
    Local,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Local => "local",
        }
    }
}

/// A part of the stack, as it is now.
#[derive(Debug, Serialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// `running`, `exited` …
    pub(crate) state: String,
    /// `healthy`, `unhealthy`, `starting`, or empty where nothing is checked.
    pub(crate) health: String,
    /// The port on this machine.
    pub(crate) port: Option<u16>,
    /// For how long, for people.
    pub(crate) uptime: String,
    /// Resident memory in bytes, where it was asked for and is known.
    pub(crate) memory: Option<u64>,
}

impl Service {
    pub(crate) fn is_running(&self) -> bool {
        self.state == "running"
    }
}

/// One way to run the stack.
pub(crate) trait Engine {
    /// Makes what the stack starts from, where there is such a thing, and says what it came to.
    fn prepare(&mut self) -> anyhow::Result<String>;
    /// Starts the database and waits until it answers.
    fn start_database(&mut self) -> anyhow::Result<()>;
    /// Compiles server and migration tool, the compiler's messages going to the terminal.
    fn build(&mut self) -> anyhow::Result<()>;
    /// The migration tool that was built last, with these arguments. With `apart`, it must not
    /// depend on the running API.
    fn migrate(&self, arguments: &[&str], apart: bool) -> anyhow::Result<Command>;
    /// What the migration tool prints, run as [`Self::migrate`] has it.
    ///
    /// # Errors
    /// It fails; what it said then.
    fn ask_migrate(&self, arguments: &[&str], apart: bool) -> anyhow::Result<String> {
        let output = self.migrate(arguments, apart)?.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}", said.trim().trim_start_matches("error: "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
    /// Starts the API that was built last, in the place of the one that may run.
    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>>;
    /// What failed builds say here, and what that means.
    fn signs(&self) -> Signs {
        &[]
    }
    /// What follows the source in the running stack; none if nothing does.
    fn follower(&self) -> Option<Follower>;
    /// Whether the API does not stay up.
    fn has_crashed(&self) -> bool {
        let source = self.follower().and_then(Follower::status);
        source.is_some_and(|source| source.state == "crashed")
    }
    /// The end of the API's log if it has stopped or keeps on crashing.
    fn api_failure(&self) -> anyhow::Result<Option<String>>;
    /// Whether the port of the API is not another program's, which would answer in its stead.
    fn has_api_port(&self) -> bool;
    /// Stops the API alone.
    fn stop_api(&mut self) -> anyhow::Result<()>;
    /// Stops everything; with `volumes`, removes the data too.
    fn stop(&mut self, volumes: bool) -> anyhow::Result<()>;
    /// Stops one service, or all, and starts it again.
    fn restart(&mut self, service: Option<&str>) -> anyhow::Result<Option<ApiProcess>>;
    /// What runs; with `memory`, asks for that too, which may take a second or two.
    fn services(&self, memory: bool) -> anyhow::Result<Vec<Service>>;
    /// Writes the log of one service or of all to the terminal.
    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode>;
    /// A command that runs where `service` runs, with its settings.
    fn exec(&self, service: &str, command: &[String]) -> anyhow::Result<Command>;
    /// PostgreSQL's terminal on the stack's database.
    fn psql(&self, arguments: &[String]) -> anyhow::Result<Command>;
    /// One of PostgreSQL's programs of the engine's own version, connected as its superuser. Its input
    /// and output can be pipes to this machine.
    fn postgres_program(&self, name: &str) -> Command;
    /// `docker/backup/backup.sh` with these arguments, where PostgreSQL's programs are.
    fn backup(&self, arguments: &[&str]) -> anyhow::Result<Command>;
    /// An interactive shell where `service` runs.
    fn shell(&self, service: &str) -> anyhow::Result<Command>;
}

/// The engine that `state` names.
pub(crate) fn open<'a>(
    project: &'a Project,
    settings: Settings,
    state: &State,
) -> anyhow::Result<Box<dyn Engine + 'a>> {
    Ok(match state.engine {
        Kind::Docker => Box::new(Docker::new(project, settings, state)),
        Kind::Local => Box::new(Local::new(project, settings, state)?),
    })
}

/// The engine of a stack that is up, and what `up` did.
///
/// # Errors
/// No stack is up.
pub(crate) fn current(project: &Project) -> anyhow::Result<(Box<dyn Engine + '_>, State)> {
    let settings = project.settings()?;
    let state = State::load(project).or_else(|| docker::found(project, &settings));
    let state =
        state.ok_or_else(|| anyhow::anyhow!("nothing is up: `cargo xtask up` starts it"))?;
    Ok((open(project, settings, &state)?, state))
}

/// The engine to use for something that needs no running stack.
pub(crate) fn for_now(project: &Project, flag: Option<Choice>) -> anyhow::Result<State> {
    let settings = project.settings()?;
    if let Some(state) = State::load(project)
        && settings.forced(flag).is_none_or(|kind| kind == state.engine)
    {
        return Ok(state);
    }
    let (engine, why) = choose(&settings, flag)?;
    Ok(State {
        engine,
        why,
        production: settings.production,
        api_port: settings.api_port,
        postgres_port: settings.postgres_port,
        built: None,
        api: None,
    })
}
