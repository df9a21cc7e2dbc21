//! The engine that runs the stack on this machine: a PostgreSQL cluster of the project, and the API in the background.

mod database;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::bail;
use context::{
    process::Running,
    project::Project,
    service::Service,
    settings::Settings,
    state::{ApiProcess, State},
};
use local_postgres::{Cluster, Credentials, Installation, Status, Stop};

use crate::{
    dev_server::DevServer,
    engine::{Engine, READ_ONLY},
    log_file, postgres,
    processes::{Processes, services},
};

/// The engine that runs the stack on this machine.
pub(crate) struct Local<'a> {
    processes: Processes<'a>,
    installation: Installation,
    cluster: Cluster,
    postgres_port: u16,
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
        let mut processes = Processes::new(project, settings, state);
        let application_url = processes.settings.application_url(state.postgres_port);
        processes.application_url = Some(application_url);
        Ok(Self { processes, installation, cluster, postgres_port: state.postgres_port })
    }

    fn settings(&self) -> &Settings {
        &self.processes.settings
    }

    fn url(&self) -> String {
        self.settings().database_url(self.postgres_port)
    }

    fn psql_on(&self, database: &str) -> Command {
        database::psql(&self.installation, self.settings(), self.postgres_port, database)
    }

    fn logs_of(&self, service: Option<&str>) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
        let all = [("postgres", self.cluster.log()), ("api", self.processes.log())];
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
        let Settings { user, password, .. } = self.settings();
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
        database::create_if_missing(|| self.psql_on("postgres"), &self.settings().database)
    }

    fn build(&mut self) -> anyhow::Result<()> {
        self.processes.build()
    }

    fn migrate(&self, arguments: &[&str], _standalone: bool) -> anyhow::Result<Command> {
        self.processes.migrate(&self.url(), arguments)
    }

    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>> {
        let url = self.url();
        self.processes.start_api(&url)
    }

    fn dev_server(&self) -> Option<DevServer> {
        self.processes.dev_server()
    }

    fn api_failure(&self) -> anyhow::Result<Option<String>> {
        Ok(self.processes.failure(self.has_crashed()))
    }

    fn has_api_port(&self) -> bool {
        self.processes.has_api_port()
    }

    fn stop_api(&mut self) -> anyhow::Result<()> {
        self.processes.stop_api();
        Ok(())
    }

    fn stop(&mut self, volumes: bool) -> anyhow::Result<()> {
        self.processes.stop_api();
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
        Ok(self.processes.api())
    }

    fn services(&self, memory: bool) -> anyhow::Result<Vec<Service>> {
        let postgres = match self.cluster.status()? {
            Status::Running { pid, port } => Some((pid, port)),
            Status::Absent | Status::Stopped => None,
        };
        let process = postgres.and_then(|(pid, _)| Running::find(pid, None));
        let postgres =
            services::service("postgres", process.as_ref(), postgres.map(|(_, port)| port), true);
        Ok(vec![postgres, self.processes.service(memory)])
    }

    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode> {
        log_file::show(&self.logs_of(service)?, follow)?;
        Ok(ExitCode::SUCCESS)
    }

    fn exec(&self, _service: &str, command: &[String]) -> anyhow::Result<Command> {
        self.processes.exec(&self.url(), command)
    }

    fn psql(&self, arguments: &[String], read_only: bool) -> anyhow::Result<Command> {
        let mut psql = self.psql_on(&self.settings().database);
        psql.envs(read_only.then_some(("PGOPTIONS", READ_ONLY)));
        psql.args(arguments);
        Ok(psql)
    }

    fn postgres_program(&self, name: &str) -> Command {
        let Settings { user, password, .. } = self.settings();
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
        let settings = self.settings();
        let folder = settings.variable("BACKUP_FOLDER").unwrap_or_else(|| "backups".to_owned());
        let mut command = self.postgres_program("sh");
        command.arg("docker/backup/backup.sh").args(arguments);
        command.envs(settings.file().filter(|(name, _)| name.starts_with("BACKUP_")));
        command
            .env("BACKUP_FOLDER", self.processes.project.path(folder.trim_start_matches("./")))
            .env("PATH", env::join_paths(path)?);
        command.env("PGDATABASE", &settings.database).current_dir(&self.processes.project.root);
        Ok(command)
    }

    fn shell(&self, _service: &str) -> anyhow::Result<Command> {
        self.processes.shell(&self.url())
    }

    fn database(&self) -> &str {
        &self.settings().database
    }
}
