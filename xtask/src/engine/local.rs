//! The stack on this machine: a PostgreSQL cluster of the project's own, and the API in the background.

mod log;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use listeners::Listener;
use local_postgres::{Cluster, Credentials, Installation, Status, Stop};

use super::{Engine, Follower, NOT_BUILT, Service, choose};
use crate::{
    compile, http,
    process::{self, Running, parent},
    project::Project,
    settings::Settings,
    state::{ApiProcess, State},
};

pub(crate) use log::tail as log_tail;

/// What the API is made with, and the tools beside it: first by `up`, then by the supervisor. By their names, not as
/// packages: cargo chooses features for the whole workspace then, as for `cargo test`, and neither compiles anew what
/// the other has.
const BUILD: [&str; 7] = ["build", "--bin", "api", "--bin", "migrate", "--bin", "dev-server"];
/// And how in development: so that an edit links quickly, where that has been tried.
const FOR_EDITS: &[&str] =
    if cfg!(target_os = "linux") { &["--features", "api/prelinked"] } else { &[] };

/// Longer than the server's own API_SHUTDOWN_SECONDS.
const API_PATIENCE: Duration = Duration::from_secs(15);

/// The stack on this machine.
pub(crate) struct Local<'a> {
    project: &'a Project,
    settings: Settings,
    installation: Installation,
    cluster: Cluster,
    production: bool,
    api_port: u16,
    postgres_port: u16,
    api: Option<ApiProcess>,
}

impl<'a> Local<'a> {
    pub(crate) fn new(
        project: &'a Project,
        settings: Settings,
        state: &State,
    ) -> anyhow::Result<Self> {
        let folder = project.runtime(&settings.cluster());
        let installation = choose::find_postgres_of(&settings, &folder)?;
        let cluster = Cluster::open(&installation, &folder)?;
        let State { production, api_port, postgres_port, api, .. } = *state;
        Ok(Self {
            project,
            settings,
            installation,
            cluster,
            production,
            api_port,
            postgres_port,
            api,
        })
    }

    /// The API's process, if it is the one that we started.
    fn api(&self) -> Option<Running> {
        self.api.and_then(|api| Running::find(api.pid, Some(api.started)))
    }

    fn end_api(&mut self) {
        if let Some(api) = self.api() {
            api.stop(API_PATIENCE);
        }
        self.api = None;
    }

    /// The settings of server and migration tool, `.env` included: they do not read it themselves.
    fn settle(&self, command: &mut Command) {
        command
            .envs(self.settings.file())
            .env("DATABASE_URL", self.settings.database_url(self.postgres_port))
            .env("API_LISTEN", format!("127.0.0.1:{}", self.api_port))
            .env("ENGINE", "local")
            .env("RELOAD_FOLDER", self.project.runtime("bin"))
            .current_dir(&self.project.root);
        if self.production {
            command.env("APP_ENV", "production");
        }
    }

    /// Makes the database on a new cluster, as the container's image does.
    fn create_database_if_missing(&self) -> anyhow::Result<()> {
        let Settings { database, .. } = &self.settings;
        // The name holds no quote: `Settings` takes letters, digits and -._~ only.
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{database}'");
        let create = format!("CREATE DATABASE \"{database}\"");
        for statement in [exists, create] {
            let ran = self.psql_on("postgres").args(["-At", "-c", &statement]).output()?;
            if !ran.status.success() {
                bail!(
                    "{}\nA cluster keeps the user and the password it was made with: set those of .env back, \
                    or have `cargo xtask doctor --fix` change the password there",
                    String::from_utf8_lossy(&ran.stderr).trim()
                );
            }
            if !ran.stdout.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn psql_on(&self, database: &str) -> Command {
        let Settings { user, password, .. } = &self.settings;
        let mut psql = Command::new(self.installation.program("psql"));
        psql.args(["--host", "127.0.0.1", "--port", &self.postgres_port.to_string()])
            .args(["--username", user, "--dbname", database])
            // Not in the arguments, which every user of this machine can see.
            .env("PGPASSWORD", password);
        psql
    }

    fn binary(&self, name: &str) -> PathBuf {
        self.project.runtime("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    fn log(&self) -> PathBuf {
        self.project.runtime("api.log")
    }

    /// Copies a binary to where it runs: cargo may then replace its own while this one is in use.
    fn install(&self, name: &str) -> anyhow::Result<()> {
        let profile = if self.production { "release" } else { "debug" };
        let built = self.project.target(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX));
        let place = self.binary(name);
        let new = place.with_extension("new");
        let copy = || {
            fs::create_dir_all(self.project.runtime("bin"))?;
            fs::copy(&built, &new)?;
            fs::rename(&new, &place)
        };
        copy().with_context(|| format!("cannot copy {} to {}", built.display(), place.display()))
    }

    fn logs_of(&self, service: Option<&str>) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
        let all = [("postgres", self.cluster.log()), ("api", self.log())];
        let chosen: Vec<_> = all
            .into_iter()
            .filter(|(name, _)| service.is_none_or(|service| service == *name))
            .collect();
        if chosen.is_empty() {
            bail!(
                "there is no service {}: there are postgres and api",
                service.unwrap_or_default()
            );
        }
        Ok(chosen)
    }
}

impl Engine for Local<'_> {
    fn prepare(&mut self) -> anyhow::Result<String> {
        let Settings { user, password, .. } = &self.settings;
        let is_new = self.cluster.status()? == Status::Absent;
        // As in the container.
        let settings = [("timezone", "UTC"), ("log_timezone", "UTC")];
        self.cluster.init(&Credentials { user, password }, &settings)?;
        let folder = self.cluster.folder().display();
        Ok(if is_new {
            format!("made a cluster in {folder}")
        } else {
            format!("the cluster in {folder}")
        })
    }

    fn start_database(&mut self) -> anyhow::Result<()> {
        if let Status::Running { port, .. } = self.cluster.status()?
            && port != self.postgres_port
        {
            self.cluster.stop(Stop::Fast)?;
        }
        self.postgres_port = self.cluster.start(self.postgres_port)?.port;
        self.create_database_if_missing()
    }

    fn build(&mut self) -> anyhow::Result<()> {
        let profile: &[_] = if self.production { &["--release"] } else { FOR_EDITS };
        let mut build = self.project.cargo(&BUILD);
        build.args(profile).envs(compile::terminal_settings());
        compile::compile(&mut build, &[])?;
        let programs = if self.production { ["migrate", "api"] } else { ["migrate", "dev-server"] };
        programs.iter().try_for_each(|name| self.install(name))
    }

    fn migrate(&self, arguments: &[&str], _apart: bool) -> anyhow::Result<Command> {
        let program = self.binary("migrate");
        if !program.exists() {
            bail!(NOT_BUILT);
        }
        let mut command = Command::new(program);
        self.settle(&mut command);
        command.args(arguments);
        Ok(command)
    }

    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>> {
        self.end_api();
        let log = log::open(&self.log())?;
        let mut command = if self.production {
            Command::new(self.binary("api"))
        } else {
            let mut reload = Command::new(self.binary("dev-server"));
            reload.arg("cargo").args(BUILD).args(FOR_EDITS);
            process::forget_own_package(&mut reload);
            reload
        };
        self.settle(&mut command);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A Ctrl-C in this terminal is not meant for it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0208);
        let pid = command.spawn().context("cannot start the API")?.id();
        let started = Running::find(pid, None).map(|process| process.started());
        self.api = started.map(|started| ApiProcess { pid, started });
        Ok(self.api)
    }

    fn follower(&self) -> Option<Follower> {
        let mut ask = Command::new(self.binary("dev-server"));
        ask.env("RELOAD_FOLDER", self.project.runtime("bin"));
        (!self.production).then(|| Follower::new(ask))
    }

    fn api_failure(&self) -> anyhow::Result<Option<String>> {
        if self.api().is_some() && !self.has_crashed() {
            return Ok(None);
        }
        Ok(Some(log::tail(&self.log(), 15)))
    }

    fn has_api_port(&self) -> bool {
        let is_ours = |listener: Listener| {
            // The port is the supervisor's, and its server has it too.
            let pid = listener.process.pid;
            let has_it = self.api.is_some_and(|api| pid == api.pid || parent(pid) == Some(api.pid));
            has_it && listener.socket.port() == self.api_port
        };
        // Where nobody may look, nobody is suspected.
        listeners::get_all().map_or(true, |all| all.into_iter().any(is_ours))
    }

    fn stop_api(&mut self) -> anyhow::Result<()> {
        self.end_api();
        Ok(())
    }

    fn stop(&mut self, volumes: bool) -> anyhow::Result<()> {
        self.end_api();
        self.cluster.stop(Stop::Fast)?;
        if volumes && self.cluster.status()? != Status::Absent {
            self.cluster.remove()?;
        }
        Ok(())
    }

    fn restart(&mut self, service: Option<&str>) -> anyhow::Result<Option<ApiProcess>> {
        self.logs_of(service)?;
        if service != Some("api") {
            self.cluster.stop(Stop::Fast)?;
            self.start_database()?;
        }
        if service != Some("postgres") {
            return self.start_api();
        }
        Ok(self.api)
    }

    fn services(&self, memory: bool) -> anyhow::Result<Vec<Service>> {
        let postgres = match self.cluster.status()? {
            Status::Running { pid, port } => Some((pid, port)),
            Status::Absent | Status::Stopped => None,
        };
        let process = postgres.and_then(|(pid, _)| Running::find(pid, None));
        let postgres = service("postgres", process.as_ref(), postgres.map(|(_, port)| port), true);
        let is_ready = self.api.is_some() && http::is_ready(self.api_port);
        let mut api = service("api", self.api().as_ref(), Some(self.api_port), is_ready);
        // Not the supervisor's.
        if let Some(server) = self.follower().filter(|_| memory).and_then(Follower::status)
            && let Some(server) = server.server.and_then(|pid| Running::find(pid, None))
        {
            api.memory = Some(server.memory());
        }
        Ok(vec![postgres, api])
    }

    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode> {
        log::show(&self.logs_of(service)?, follow)?;
        Ok(ExitCode::SUCCESS)
    }

    fn exec(&self, _service: &str, command: &[String]) -> anyhow::Result<Command> {
        let (program, arguments) = command.split_first().context("no command was given")?;
        let mut exec = Command::new(program);
        self.settle(&mut exec);
        exec.args(arguments);
        Ok(exec)
    }

    fn psql(&self, arguments: &[String]) -> anyhow::Result<Command> {
        let mut psql = self.psql_on(&self.settings.database);
        psql.args(arguments);
        Ok(psql)
    }

    fn postgres_program(&self, name: &str) -> Command {
        let Settings { user, password, .. } = &self.settings;
        let program = self.installation.program(name);
        connected(program, self.postgres_port, &Credentials { user, password })
    }

    fn backup(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        if cfg!(windows) {
            bail!("backups need a POSIX shell: use the engine docker, or `cargo xtask db dump`");
        }
        let mut path =
            env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
        path.splice(0..0, self.installation.program("psql").parent().map(Path::to_owned));
        let settings = &self.settings;
        let folder = settings.variable("BACKUP_FOLDER").unwrap_or_else(|| "backups".to_owned());
        let mut command = self.postgres_program("sh");
        command.arg("docker/backup/backup.sh").args(arguments);
        command.envs(settings.file().filter(|(name, _)| name.starts_with("BACKUP_")));
        command
            .env("BACKUP_FOLDER", self.project.path(folder.trim_start_matches("./")))
            .env("PATH", env::join_paths(path)?);
        command.env("PGDATABASE", &settings.database).current_dir(&self.project.root);
        Ok(command)
    }

    fn shell(&self, service: &str) -> anyhow::Result<Command> {
        let (variable, default) = if cfg!(windows) { ("COMSPEC", "cmd") } else { ("SHELL", "sh") };
        let shell = env::var(variable).unwrap_or_else(|_| default.to_owned());
        self.exec(service, &[shell])
    }
}

fn service(name: &str, process: Option<&Running>, port: Option<u16>, is_ready: bool) -> Service {
    let health = match (process, is_ready) {
        (Some(_), true) => "healthy",
        (Some(_), false) => "unhealthy",
        (None, _) => "",
    };
    Service {
        name: name.to_owned(),
        state: if process.is_some() { "running" } else { "stopped" }.to_owned(),
        health: health.to_owned(),
        port: process.and(port),
        uptime: process.map_or_else(String::new, |running| duration(running.uptime())),
        memory: process.map(Running::memory),
    }
}

/// `2 hours`, as Docker says it.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// One of PostgreSQL's programs, for the server on this port of this machine.
pub(crate) fn connected(program: PathBuf, port: u16, who: &Credentials<'_>) -> Command {
    let mut command = Command::new(program);
    command
        .envs([("PGHOST", "127.0.0.1"), ("PGUSER", who.user)])
        .env("PGPORT", port.to_string())
        // Not in the arguments, which every user of this machine can see.
        .env("PGPASSWORD", who.password);
    command
}
