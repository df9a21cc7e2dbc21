//! The engine that runs the stack on this machine: a PostgreSQL cluster of the project, and the API in the background.

mod binaries;
mod database;
mod services;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use context::{
    http,
    listener::{self, Listener},
    process::{self, Running, parent},
    project::Project,
    service::Service,
    settings::Settings,
    state::{ApiProcess, State},
};
use local_postgres::{Cluster, Credentials, Installation, Status, Stop};

use crate::{
    dev_server::DevServer,
    engine::{Engine, NOT_BUILT, READ_ONLY},
    log_file, postgres,
};

/// Must be longer than API_SHUTDOWN_SECONDS, so that the API can shut down gracefully.
const API_TIMEOUT: Duration = Duration::from_secs(15);

/// The engine that runs the stack on this machine.
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
        let installation = postgres::find_postgres_of(&settings, &folder)?;
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

    /// Returns the running process that `start_api` started.
    fn api(&self) -> Option<Running> {
        self.api.and_then(|api| Running::find(api.pid, Some(api.started)))
    }

    fn end_api(&mut self) {
        if let Some(api) = self.api() {
            api.stop(API_TIMEOUT);
        }
        self.api = None;
    }

    /// Sets the environment of the server and the migration tool, which do not read `.env` themselves.
    fn set_environment(&self, command: &mut Command) {
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

    fn psql_on(&self, database: &str) -> Command {
        database::psql(&self.installation, &self.settings, self.postgres_port, database)
    }

    fn binary(&self, name: &str) -> PathBuf {
        binaries::path(self.project, name)
    }

    fn log(&self) -> PathBuf {
        self.project.runtime("api.log")
    }

    fn logs_of(&self, service: Option<&str>) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
        let all = [("postgres", self.cluster.log()), ("api", self.log())];
        let chosen: Vec<_> = all
            .into_iter()
            .filter(|(name, _)| service.is_none_or(|service| service == *name))
            .collect();
        if let (true, Some(service)) = (chosen.is_empty(), service) {
            bail!("unknown service {service}; the services are postgres and api");
        }
        Ok(chosen)
    }
}

impl Engine for Local<'_> {
    fn prepare(&mut self) -> anyhow::Result<String> {
        let Settings { user, password, .. } = &self.settings;
        let is_new = self.cluster.status()? == Status::Absent;
        // PostgreSQL in the container has the same settings.
        let settings = [("timezone", "UTC"), ("log_timezone", "UTC")];
        self.cluster.init(&Credentials { user, password }, &settings)?;
        let folder = self.cluster.folder().display();
        Ok(format!("{} cluster in {folder}", if is_new { "created a" } else { "the" }))
    }

    fn start_database(&mut self) -> anyhow::Result<()> {
        if let Status::Running { port, .. } = self.cluster.status()?
            && port != self.postgres_port
        {
            self.cluster.stop(Stop::Fast)?;
        }
        self.postgres_port = self.cluster.start(self.postgres_port)?.port;
        database::create_if_missing(|| self.psql_on("postgres"), &self.settings.database)
    }

    fn build(&mut self) -> anyhow::Result<()> {
        binaries::build(self.project, self.production)
    }

    fn migrate(&self, arguments: &[&str], _standalone: bool) -> anyhow::Result<Command> {
        let program = self.binary("migrate");
        if !program.exists() {
            bail!(NOT_BUILT);
        }
        let mut command = Command::new(program);
        self.set_environment(&mut command);
        command.args(arguments);
        Ok(command)
    }

    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>> {
        self.end_api();
        let log = log_file::open(&self.log())?;
        let mut command = if self.production {
            Command::new(self.binary("api"))
        } else {
            let mut dev_server = binaries::dev_server(self.project);
            process::remove_package_variables(&mut dev_server);
            dev_server
        };
        self.set_environment(&mut command);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C in this terminal must not stop the API.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0208);
        let pid = command.spawn().context("cannot start the API")?.id();
        let started = Running::find(pid, None).map(|process| process.started());
        self.api = started.map(|started| ApiProcess { pid, started });
        Ok(self.api)
    }

    fn dev_server(&self) -> Option<DevServer> {
        let mut command = Command::new(self.binary("dev-server"));
        command.env("RELOAD_FOLDER", self.project.runtime("bin"));
        (!self.production).then(|| DevServer::new(command))
    }

    fn api_failure(&self) -> anyhow::Result<Option<String>> {
        if self.api().is_some() && !self.has_crashed() {
            return Ok(None);
        }
        Ok(Some(log_file::tail(&self.log(), 15)))
    }

    fn has_api_port(&self) -> bool {
        // The supervisor opens the port and its child process, the server, inherits the port.
        let is_ours = |Listener { pid, .. }: Listener| {
            self.api.is_some_and(|api| pid == api.pid || parent(pid) == Some(api.pid))
        };
        // If the listeners cannot be read, assumes that the port is not taken.
        listener::on_port(self.api_port).map_or(true, |all| all.into_iter().any(is_ours))
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
        let postgres =
            services::service("postgres", process.as_ref(), postgres.map(|(_, port)| port), true);
        let is_ready = self.api.is_some() && http::is_ready(self.api_port);
        let mut api = services::service("api", self.api().as_ref(), Some(self.api_port), is_ready);
        // The memory of the server, not of its supervisor.
        if let Some(server) = self.dev_server().filter(|_| memory).and_then(DevServer::status)
            && let Some(server) = server.server.and_then(|pid| Running::find(pid, None))
        {
            api.memory = Some(server.memory());
        }
        Ok(vec![postgres, api])
    }

    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode> {
        log_file::show(&self.logs_of(service)?, follow)?;
        Ok(ExitCode::SUCCESS)
    }

    fn exec(&self, _service: &str, command: &[String]) -> anyhow::Result<Command> {
        let (program, arguments) = command.split_first().context("the command is missing")?;
        let mut exec = Command::new(program);
        self.set_environment(&mut exec);
        exec.args(arguments);
        Ok(exec)
    }

    fn psql(&self, arguments: &[String], read_only: bool) -> anyhow::Result<Command> {
        let mut psql = self.psql_on(&self.settings.database);
        psql.envs(read_only.then_some(("PGOPTIONS", READ_ONLY)));
        psql.args(arguments);
        Ok(psql)
    }

    fn postgres_program(&self, name: &str) -> Command {
        let Settings { user, password, .. } = &self.settings;
        let program = self.installation.program(name);
        postgres::local_program(program, self.postgres_port, &Credentials { user, password })
    }

    fn backup(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        if cfg!(windows) {
            bail!("backups need a POSIX shell. Use the engine docker or `cargo xtask db dump`.");
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
