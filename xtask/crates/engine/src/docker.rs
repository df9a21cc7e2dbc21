//! The engine that runs the stack in Docker containers.

mod containers;
mod development;
mod production;

use std::{
    ffi::OsStr,
    process::{Command, ExitCode},
};

use anyhow::bail;
use context::{
    ca_certificates, compile, http, process,
    project::Project,
    service::Service,
    settings::Settings,
    state::{ApiProcess, State},
};
use deploy::{
    Platform, Server,
    image::{self, Images},
};
use xshell::{Cmd, cmd};

use crate::{
    dev_server::DevServer,
    engine::{Engine, NOT_BUILT, READ_ONLY},
    images, postgres,
};
use containers::Container;

/// The engine that runs the stack in Docker containers.
pub struct Docker<'a> {
    project: &'a Project,
    settings: Settings,
    production: bool,
    api_port: u16,
    postgres_port: u16,
    /// The images of the release that this command has built.
    built: Option<Images>,
    /// The server of a deployed stack. None for the stack of this checkout.
    deployed: Option<Server<'a>>,
}

impl<'a> Docker<'a> {
    /// Returns the engine of the stack in this state.
    pub fn new(project: &'a Project, settings: Settings, state: &State) -> Self {
        let State { production, api_port, postgres_port, .. } = *state;
        Self { project, settings, production, api_port, postgres_port, built: None, deployed: None }
    }

    /// Returns `docker compose` with the project, the file and the environment of the stack.
    fn compose(&self) -> Cmd<'a> {
        let root = &self.project.root;
        let file = if self.production { "docker/compose.production.yaml" } else { "compose.yaml" };
        let file = self.project.path(file);
        cmd!(self.project.shell, "docker compose --project-directory {root} --file {file}")
            .env("COMPOSE_PROJECT_NAME", &self.settings.project)
            // Turns off the compatibility mode, in which Compose uses other container names.
            .env("COMPOSE_COMPATIBILITY", "false")
            .env("EXTRA_CA_FILE", ca_certificates::file(self.project, &self.settings))
            .env("API_PORT", self.api_port.to_string())
            .env("POSTGRES_PORT", self.postgres_port.to_string())
            .envs(self.project.owner().map(|user| ("BACKUP_USER", user)))
            .envs(self.deployed.iter().flat_map(Server::environment))
            .quiet()
    }

    /// Returns `docker compose` with these arguments.
    pub fn command<T: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = T>) -> Command {
        self.compose().args(arguments).into()
    }

    /// Returns the path of a binary in the containers.
    fn binary(&self, name: &str) -> String {
        if self.production { format!("/{name}") } else { format!("/cache/target/debug/{name}") }
    }

    fn containers(&self) -> anyhow::Result<Vec<Container>> {
        containers::parse(&self.compose().args(["ps", "--all", "--format", "json"]).read()?)
    }
}

impl Engine for Docker<'_> {
    fn prepare(&mut self) -> anyhow::Result<String> {
        if self.production {
            return self.prepare_release();
        }
        ca_certificates::write(self.project, &self.settings)?;
        process::run(&mut self.command(["build", "--quiet", "build"]))?;
        if !images::is_here(&self.settings.postgres_image) {
            process::run(&mut self.command(["pull", "postgres"]))?;
        }
        Ok(format!("{} and {}", self.settings.rust_image, self.settings.postgres_image))
    }

    fn start_database(&mut self) -> anyhow::Result<()> {
        if self.production {
            return self.start_release_database();
        }
        let start = ["up", "--detach", "--no-deps", "--wait", "--wait-timeout", "60", "postgres"];
        let output = self.compose().args(start).ignore_status().output()?;
        if output.status.success() {
            return Ok(());
        }
        let log =
            self.compose().args(["logs", "--tail", "15", "postgres"]).ignore_status().read()?;
        bail!(
            "the database does not start: {}\nThe end of its log:\n{log}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }

    fn build(&mut self) -> anyhow::Result<()> {
        if self.production {
            // The release image already contains the programs.
            return Ok(());
        }
        let mut build = self.command(["run", "--rm", "--no-deps", "--no-TTY"]);
        for (name, value) in compile::cargo_terminal_settings() {
            build.args(["--env", &format!("{name}={value}")]);
        }
        compile::run(build.arg("build"), self.known_failures())
    }

    fn migrate(&self, arguments: &[&str], standalone: bool) -> anyhow::Result<Command> {
        let binary = self.binary("migrate");
        // The API's container has only the role of the API, which can read the applied migrations.
        if self.production && arguments.first() != Some(&"status") {
            return self.migrate_release(arguments);
        }
        // A request to the API is faster than a query of Compose.
        let has_api = || match self.deployed {
            Some(_) => self.replica("api").is_some(),
            None => http::get(self.api_port, "/health/live").is_ok(),
        };
        let mut command = if standalone || !has_api() {
            if self.production {
                return self.migrate_release(arguments);
            }
            let mut command = self.command(["run", "--rm", "--no-deps", "--no-TTY"]);
            let if_built =
                format!(r#"[ -x "$0" ] && exec "$0" "$@"; echo 'error: {NOT_BUILT}' >&2; exit 1"#);
            command.args(["migrate", "sh", "-c", &if_built, &binary]);
            command
        } else {
            let mut command = self.in_container("api", false);
            command.arg(&binary);
            command
        };
        command.args(arguments);
        Ok(command)
    }

    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>> {
        if self.production {
            self.start_release()?;
            return Ok(None);
        }
        self.remove_release()?;
        self.start_development_api()?;
        Ok(None)
    }

    fn known_failures(&self) -> compile::KnownFailures {
        &development::FAILURES
    }

    fn dev_server(&self) -> Option<DevServer> {
        let mut command = self.in_container("api", false);
        command.arg(self.binary("dev-server"));
        (!self.production).then(|| DevServer::new(command))
    }

    fn api_failure(&self) -> anyhow::Result<Option<String>> {
        let failed = |service: &Service| service.name == "api" && !service.is_running();
        if !self.services(false)?.iter().any(failed) && !self.has_crashed() {
            return Ok(None);
        }
        let log = self.compose().args(["logs", "--no-log-prefix", "--tail", "15", "api"]).read()?;
        Ok(Some(log))
    }

    fn has_api_port(&self) -> bool {
        // Docker starts a container only if its port is free, so a running container has its port.
        true
    }

    fn stop_api(&mut self) -> anyhow::Result<()> {
        process::run(&mut self.command(["--progress", "quiet", "stop", "api"]))
    }

    fn stop(&mut self, volumes: bool) -> anyhow::Result<()> {
        // The profile `backup` is given, because otherwise Compose does not remove the backup container.
        let mut down = self.command(["--profile", "backup", "down", "--remove-orphans"]);
        if volumes {
            down.arg("--volumes");
        }
        process::output(&mut down)?;
        // `docker compose down` keeps the networks and volumes of the other profile, so they are removed here.
        let ours = format!("label=com.docker.compose.project={}", self.settings.project);
        let prune = |kind, all: &[&str]| {
            let mut prune = self.server().docker::<&str>([]);
            prune.args([kind, "prune", "--force", "--filter", &ours]).args(all);
            process::output(&mut prune)
        };
        prune("network", &[])?;
        if volumes {
            prune("volume", &["--all"])?;
        }
        Ok(())
    }

    fn restart(&mut self, service: Option<&str>) -> anyhow::Result<Option<ApiProcess>> {
        let services = service.map_or_else(|| vec!["postgres", "api"], |service| vec![service]);
        process::run(self.command(["--progress", "quiet", "restart"]).args(services))?;
        Ok(None)
    }

    fn services(&self, memory: bool) -> anyhow::Result<Vec<Service>> {
        let containers = self.containers()?;
        Ok(containers::services(containers, memory, self.api_port))
    }

    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode> {
        // Compose prints nothing and succeeds if a service does not exist, so the name is checked first.
        if let Some(service) = service {
            let known: Vec<_> = self.services(false)?.into_iter().map(|known| known.name).collect();
            if !known.iter().any(|known| known == service) {
                bail!("unknown service {service}; the services are {}", known.join(" and "));
            }
        }
        let mut command = self.command(["logs"]);
        if follow {
            command.arg("--follow");
        }
        command.args(service);
        process::show_log(command)
    }

    fn exec(&self, service: &str, command: &[String]) -> anyhow::Result<Command> {
        let mut exec = self.in_container(service, true);
        exec.args(command);
        Ok(exec)
    }

    fn psql(&self, arguments: &[String], read_only: bool) -> anyhow::Result<Command> {
        let Settings { user, database, .. } = &self.settings;
        let mut psql = self.in_container("postgres", true);
        if read_only {
            psql.args(["env", &format!("PGOPTIONS={READ_ONLY}")]);
        }
        psql.args(["psql", "--username", user, "--dbname", database]).args(arguments);
        Ok(psql)
    }

    fn database(&self) -> &str {
        &self.settings.database
    }

    fn postgres_program(&self, name: &str) -> Command {
        let container = format!("{}-postgres-1", self.settings.project);
        let docker = self.server().docker::<&str>([]);
        postgres::container_program(docker, &container, &self.settings.user, name)
    }

    fn backup(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        if self.production {
            return self.back_release_up(arguments);
        }
        let mut command = self.command(["run", "--rm", "--no-deps", "--no-TTY", "backup"]);
        command.args(arguments);
        let is_local = ["local", "drill"].contains(arguments.first().unwrap_or(&""));
        if !is_local && self.settings.variable("BACKUP_TARGET").is_some() {
            // The image of PostgreSQL lacks the programs for BACKUP_TARGET.
            let image = image::backup_of(self.project, &self.settings)?;
            let platform = Platform::of_this_engine()?;
            image::build_backup(self.project, &self.settings, &image, platform)?;
            command.env("BACKUP_IMAGE", image);
        }
        Ok(command)
    }

    fn shell(&self, service: &str) -> anyhow::Result<Command> {
        if self.production && service == "api" {
            bail!("the release image contains only the two binaries and does not have a shell");
        }
        self.exec(service, &["sh".to_owned()])
    }
}
