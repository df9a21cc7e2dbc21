//! `cargo xtask up`: starts the whole stack and waits until the stack is healthy.

use std::{process::ExitCode, time::Instant};

use anyhow::bail;
use context::{
    checkouts,
    engine_kind::EngineChoice,
    env_file, fingerprint, http, lock, ports,
    project::Project,
    report,
    service::Service,
    settings::Settings,
    state::{Fingerprints, State},
    urls::Urls,
};
use engine::{DevServer, Engine, SourceStatus, choose, database_branch, wait_until_ready};

use super::{migrate::check_pending, status::Status};

/// Start the whole stack and wait until it is healthy
///
/// Creates .env, prepares the images or the local cluster, builds the source, applies the migrations, loads the
/// sample rows and starts the API. Another `up` rebuilds and restarts only what has changed. Data is kept.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The engine that runs the stack [default: ENGINE in .env]
    #[arg(long, value_enum)]
    engine: Option<EngineChoice>,
    /// Run the release build in the production profile, without sample rows and landing page
    #[arg(long)]
    production: bool,
    /// Fail if a port is taken, instead of using the next free port
    #[arg(long)]
    strict_ports: bool,
    /// Print the state of the stack as JSON, like `cargo xtask status --json`
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Returns the arguments that start a stack again in the same profile.
    pub(crate) fn again(production: bool) -> Self {
        Self { engine: None, production, strict_ports: false, json: false }
    }

    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let _lock = lock::take(project)?;
        env_file::create_if_missing(&project.root)?;
        let settings = project.settings()?;
        settings.report_overridden();
        let production = self.production || settings.production;
        let now = fingerprint::of_stack(project)?;

        let known = State::load(project);
        let mut state = match known {
            Some(state) if settings.forced(self.engine).is_none_or(|kind| kind == state.engine) => {
                state
            }
            Some(state) => bail!(
                "the stack is running on the engine {}. Run `cargo xtask down` first.",
                state.engine.as_str()
            ),
            None => self.new_state(&settings)?,
        };
        let running = engine::open(project, project.settings()?, &state)?.services(false)?;
        if is_healthy(&running) {
            let engine = engine::open(project, project.settings()?, &state)?;
            if let Some(message) =
                database_branch::follow(project, &*engine, &settings, state.production)?
            {
                report::note(&message);
            }
        }
        let keeps_ports = !(self.strict_ports && ports::differ_from_settings(&state, &settings));
        let same = state.built.as_ref() == Some(&now) && state.production == production;
        if keeps_ports && same && is_healthy(&running) && serves_the_newest(&state) {
            let outcome = "already up, and nothing changed";
            return self.finish(project, &state, &settings, outcome, started);
        }

        if keeps_ports
            && only_source_changed(&state, &now, production)
            && is_healthy(&running)
            && Self::follow(project, &mut state, now.clone())?
        {
            let outcome = "up: the running stack serves the changed source";
            return self.finish(project, &state, &settings, outcome, started);
        }

        doctor::quick_check(project);
        state.production = production;
        state.built = None;
        report::progress(&format!("engine {}: {}", state.engine.as_str(), state.why));
        self.start(project, &settings, &mut state, running)?;
        state.built = Some(now);
        state.save(project)?;
        self.finish(project, &state, &settings, "the stack is up", started)
    }

    /// Prints the outcome, and the state of the stack as text or JSON.
    fn finish(
        &self,
        project: &Project,
        state: &State,
        settings: &Settings,
        outcome: &str,
        started: Instant,
    ) -> anyhow::Result<ExitCode> {
        report::progress(&format!("{outcome} ({:.1} s)", started.elapsed().as_secs_f64()));
        if self.json {
            let engine = engine::open(project, project.settings()?, state)?;
            report::json(&Status::of(project, &*engine, state)?)?;
        } else {
            summary(state, settings);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Waits until the development server serves the newest source. Returns false if the stack must be restarted.
    fn follow(project: &Project, state: &mut State, now: Fingerprints) -> anyhow::Result<bool> {
        let engine = engine::open(project, project.settings()?, state)?;
        let Some(source) = engine.dev_server().and_then(DevServer::wait) else { return Ok(false) };
        if let Some(failure) = source.failure.filter(|_| source.state == "failed") {
            report::failure(&failure.message);
            bail!(
                "{}; the last good build is still served",
                failure.reason(engine.known_failures())
            );
        }
        let is_served = source.state == "live" && source.needs_up.is_empty();
        if !is_served || !http::is_ready(state.api_port) {
            return Ok(false);
        }
        state.built = Some(now);
        state.save(project)?;
        Ok(true)
    }

    /// Chooses ports and starts the stack. Tries again if another process has taken a port in the meantime.
    fn start(
        &self,
        project: &Project,
        settings: &Settings,
        state: &mut State,
        mut running: Vec<Service>,
    ) -> anyhow::Result<()> {
        let mut tries = 3;
        loop {
            ports::claim(state, settings, &running, self.strict_ports)?;
            state.save(project)?;
            checkouts::add(project);
            let Err(error) = start(project, state) else { return Ok(()) };
            running = engine::open(project, project.settings()?, state)?.services(false)?;
            tries -= 1;
            if tries == 0 || !ports::were_taken(state, &running) {
                return Err(error.context("cannot start the stack"));
            }
        }
    }

    fn new_state(&self, settings: &Settings) -> anyhow::Result<State> {
        let (engine, why) = choose(settings, self.engine)?;
        Ok(State { production: false, ..State::new(engine, why, settings) })
    }
}

/// Runs all stages in order. After a failed stage, the next `up` continues.
fn start(project: &Project, state: &mut State) -> anyhow::Result<()> {
    let mut engine = engine::open(project, project.settings()?, state)?;
    report::stage("prepare", || Ok(((), engine.prepare()?)))?;
    report::stage("database", || {
        engine.start_database()?;
        Ok(((), "ready".to_owned()))
    })?;
    report::stage("build", || {
        engine.build()?;
        Ok(((), "compiled".to_owned()))
    })?;
    if let Some(message) =
        database_branch::follow(project, &*engine, &project.settings()?, state.production)?
    {
        report::note(&message);
    }
    if state.production {
        report::stage("check", || Ok(((), check_pending(project, &*engine)?)))?;
    }
    report::stage("migrate", || Ok(((), migrate(&*engine, state.production)?)))?;
    state.api = report::stage("api", || {
        Ok((engine.start_api()?, format!("started on port {}", state.api_port)))
    })?;
    // Saves the process ID before the next stage, because `down` needs it even if that stage fails.
    state.save(project)?;
    report::stage("ready", || {
        wait_until_ready(&*engine, state.api_port)?;
        Ok(((), "the API is ready and connected to its database".to_owned()))
    })
}

/// Applies the migrations, loads the sample rows into a new schema, and summarizes the output of the migration tool.
fn migrate(engine: &dyn Engine, production: bool) -> anyhow::Result<String> {
    let arguments: &[_] = if production { &["up"] } else { &["up", "--seed"] };
    let output = engine.migrate_output(arguments, true)?;
    let (applied, rest): (Vec<_>, Vec<_>) =
        output.lines().partition(|line| line.starts_with("applied "));
    // Prints only the number if there are many, because their names would take several lines.
    if applied.len() > 3 {
        let count = format!("applied {} migrations", applied.len());
        return Ok([&[count.as_str()], rest.as_slice()].concat().join(", "));
    }
    Ok([applied, rest].concat().join(", "))
}

/// Returns whether the API is ready and serves the newest source that the development server has seen.
fn serves_the_newest(state: &State) -> bool {
    let is_live = || {
        let source = http::get(state.api_port, "/reload").ok()?.1;
        Some(serde_json::from_str::<SourceStatus>(&source).ok()?.state == "live")
    };
    http::is_ready(state.api_port) && (state.production || is_live() == Some(true))
}

/// Returns whether at most the source has changed since the last `up`. The development server handles such changes.
fn only_source_changed(state: &State, now: &Fingerprints, production: bool) -> bool {
    let same = |built: &Fingerprints| {
        built.images == now.images && built.settings == now.settings && !production
    };
    state.built.as_ref().is_some_and(same) && state.production == production
}

fn is_healthy(services: &[Service]) -> bool {
    ["postgres", "api"]
        .iter()
        .all(|name| services.iter().any(|service| service.name == *name && service.is_running()))
}

/// Prints the URLs of the stack and the next commands.
fn summary(state: &State, settings: &Settings) {
    let Urls { api, docs, database } = Urls::of(state, settings);
    report::line("");
    report::field("API", api);
    report::field("Docs", docs);
    if let Some(database) = database {
        report::field("Database", format!("{database} (password in .env)"));
    }
    report::field("Engine", format!("{}: {}", state.engine.as_str(), state.why));
    report::field("Profile", if state.production { "production" } else { "dev" });
    report::line("");
    if state.production {
        report::next("cargo xtask logs -f", "follow the log");
        report::next("cargo xtask psql", "open the database");
        report::next("cargo xtask up", "build and restart after an edit");
    } else {
        report::next("cargo xtask logs -f", "follow builds and requests");
        report::next("cargo xtask token", "print a token for curl and the docs page");
        report::next("cargo xtask psql", "open the database");
    }
}
