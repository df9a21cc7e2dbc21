//! The engine that runs the API on this machine, on a database that someone else runs.

use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use context::{
    external_database::ExternalDatabase,
    project::Project,
    service::Service,
    settings::Settings,
    state::{ApiProcess, State},
};

use crate::{
    dev_server::DevServer,
    engine::{Engine, READ_ONLY},
    log_file, postgres,
    processes::Processes,
};

/// The commands of the migration tool that copy databases and close the connections of other clients.
const REFUSED: [(&str, &str); 3] = [
    ("snapshot", "`cargo xtask db snapshot`"),
    ("branch", "a database for each git branch (`cargo xtask db branch`, DATABASE_BRANCHES)"),
    ("load", "`cargo xtask db load`"),
];

/// The engine that runs the API on a database that someone else runs.
pub(crate) struct External<'a> {
    processes: Processes<'a>,
    database: ExternalDatabase,
}

impl<'a> External<'a> {
    pub(crate) fn new(
        project: &'a Project,
        settings: Settings,
        state: &State,
    ) -> anyhow::Result<Self> {
        let database = settings.external_database()?;
        Ok(Self { processes: Processes::new(project, settings, state), database })
    }

    /// Returns the error for a command that needs its own server.
    fn refused(&self, what: &str) -> anyhow::Error {
        anyhow::anyhow!(
            "{what} is not possible with the engine external, because someone else runs the database server at {}. \
             Use the tools of that server, or the engine docker or local.",
            self.database.hosts
        )
    }

    fn check_service(&self, service: Option<&str>) -> anyhow::Result<()> {
        match service {
            None | Some("api") => Ok(()),
            Some("postgres") => Err(self.refused("a command for the service postgres")),
            Some(other) => bail!("unknown service {other}; the only service is api"),
        }
    }

    /// Returns a PostgreSQL program of this machine that connects to the database.
    fn program(&self, name: &str) -> Command {
        let found = postgres::find_postgres(&self.processes.settings).ok();
        let path = found.map_or_else(|| name.into(), |installation| installation.program(name));
        let mut command = local_postgres::program(path);
        // All users of this machine can see arguments, so the password must not be an argument.
        command.envs(self.database.environment());
        command
    }
}

impl Engine for External<'_> {
    fn prepare(&mut self) -> anyhow::Result<String> {
        Ok(format!("the database {}", self.database.public_url()))
    }

    fn start_database(&mut self) -> anyhow::Result<()> {
        // Someone else starts the server. The stage `migrate` connects to it.
        Ok(())
    }

    fn build(&mut self) -> anyhow::Result<()> {
        self.processes.build()
    }

    fn migrate(&self, arguments: &[&str], _standalone: bool) -> anyhow::Result<Command> {
        let command = arguments.first().copied().unwrap_or_default();
        if let Some((_, what)) = REFUSED.iter().find(|(refused, _)| *refused == command) {
            return Err(self.refused(what));
        }
        // Both commands keep the old database as a snapshot by default.
        if ["recreate", "down"].contains(&command) && !arguments.contains(&"--no-snapshot") {
            return Err(self.refused("a snapshot")).context("pass --no-snapshot");
        }
        self.processes.migrate(&self.database.url, arguments)
    }

    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>> {
        self.processes.start_api(&self.database.url)
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

    fn stop(&mut self, _volumes: bool) -> anyhow::Result<()> {
        // The database stays in any case.
        self.stop_api()
    }

    fn restart(&mut self, service: Option<&str>) -> anyhow::Result<Option<ApiProcess>> {
        self.check_service(service)?;
        self.start_api()
    }

    fn services(&self, memory: bool) -> anyhow::Result<Vec<Service>> {
        Ok(vec![self.processes.service(memory)])
    }

    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode> {
        self.check_service(service)?;
        log_file::show(&[("api", self.processes.log())], follow)?;
        Ok(ExitCode::SUCCESS)
    }

    fn exec(&self, service: &str, command: &[String]) -> anyhow::Result<Command> {
        self.check_service(Some(service))?;
        self.processes.exec(&self.database.url, command)
    }

    fn psql(&self, arguments: &[String], read_only: bool) -> anyhow::Result<Command> {
        let mut psql = self.program("psql");
        psql.envs(read_only.then_some(("PGOPTIONS", READ_ONLY)));
        psql.args(arguments);
        Ok(psql)
    }

    fn database(&self) -> &str {
        &self.database.name
    }

    fn postgres_program(&self, name: &str) -> Command {
        self.program(name)
    }

    fn backup(&self, _arguments: &[&str]) -> anyhow::Result<Command> {
        Err(self.refused("a backup"))
    }

    fn shell(&self, service: &str) -> anyhow::Result<Command> {
        self.check_service(Some(service))?;
        self.processes.shell(&self.database.url)
    }
}
