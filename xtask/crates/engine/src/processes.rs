//! The API and the migration tool as processes on this machine, for the engines local and external.

mod binaries;
pub(crate) mod services;

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
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

use crate::{dev_server::DevServer, engine::NOT_BUILT, log_file};

/// Must be longer than API_SHUTDOWN_SECONDS, so that the API can shut down gracefully.
const API_TIMEOUT: Duration = Duration::from_secs(15);

/// The programs of a stack on this machine. The functions with `url` pass it on as DATABASE_URL.
pub(crate) struct Processes<'a> {
    pub(crate) project: &'a Project,
    pub(crate) settings: Settings,
    engine: &'static str,
    production: bool,
    port: u16,
    api: Option<ApiProcess>,
    /// Passed on as DATABASE_APPLICATION_URL, in place of the value in `.env`.
    pub(crate) application_url: Option<String>,
}

impl<'a> Processes<'a> {
    pub(crate) fn new(project: &'a Project, settings: Settings, state: &State) -> Self {
        let State { engine, production, api_port: port, api, .. } = *state;
        Self {
            project,
            settings,
            engine: engine.as_str(),
            production,
            port,
            api,
            application_url: None,
        }
    }

    /// Compiles and installs the binaries.
    pub(crate) fn build(&self) -> anyhow::Result<()> {
        binaries::build(self.project, self.production)
    }

    /// Sets the environment of the server and the migration tool, which do not read `.env` themselves.
    fn set_environment(&self, command: &mut Command, url: &str) {
        command
            .envs(self.settings.file())
            .env("DATABASE_URL", url)
            .envs(self.application_url.iter().map(|url| ("DATABASE_APPLICATION_URL", url)))
            .env("API_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("ENGINE", self.engine)
            .env("RELOAD_FOLDER", self.project.runtime("bin"))
            .current_dir(&self.project.root);
        if self.production {
            command.env("APP_ENV", "production");
        }
    }

    pub(crate) fn migrate(&self, url: &str, arguments: &[&str]) -> anyhow::Result<Command> {
        let program = binaries::path(self.project, "migrate");
        if !program.exists() {
            bail!(NOT_BUILT);
        }
        let mut command = Command::new(program);
        self.set_environment(&mut command, url);
        command.args(arguments);
        Ok(command)
    }

    /// Starts the API in the background and replaces a running one.
    pub(crate) fn start_api(&mut self, url: &str) -> anyhow::Result<Option<ApiProcess>> {
        self.stop_api();
        let log = log_file::open(&self.log())?;
        let mut command = if self.production {
            Command::new(binaries::path(self.project, "api"))
        } else {
            let mut dev_server = binaries::dev_server(self.project);
            process::remove_package_variables(&mut dev_server);
            dev_server
        };
        self.set_environment(&mut command, url);
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

    pub(crate) fn stop_api(&mut self) {
        if let Some(api) = self.running_api() {
            api.stop(API_TIMEOUT);
        }
        self.api = None;
    }

    /// Returns the process of the API, which may have ended.
    pub(crate) fn api(&self) -> Option<ApiProcess> {
        self.api
    }

    /// Returns the running process that `start_api` started.
    pub(crate) fn running_api(&self) -> Option<Running> {
        self.api.and_then(|api| Running::find(api.pid, Some(api.started)))
    }

    pub(crate) fn dev_server(&self) -> Option<DevServer> {
        let mut command = Command::new(binaries::path(self.project, "dev-server"));
        command.env("RELOAD_FOLDER", self.project.runtime("bin"));
        (!self.production).then(|| DevServer::new(command))
    }

    /// Returns the end of the log if the API has stopped, or if it crashes after each start.
    pub(crate) fn failure(&self, has_crashed: bool) -> Option<String> {
        let is_serving = self.running_api().is_some() && !has_crashed;
        (!is_serving).then(|| log_file::tail(&self.log(), 15))
    }

    /// Returns whether the API listens on its port, and not another program.
    pub(crate) fn has_api_port(&self) -> bool {
        // The supervisor opens the port and its child process, the server, inherits the port.
        let is_ours = |Listener { pid, .. }: Listener| {
            self.api.is_some_and(|api| pid == api.pid || parent(pid) == Some(api.pid))
        };
        // If the listeners cannot be read, assumes that the port is not taken.
        listener::on_port(self.port).map_or(true, |all| all.into_iter().any(is_ours))
    }

    /// Returns the service of the API. With `memory`, includes the memory of the server, not of its supervisor.
    pub(crate) fn service(&self, memory: bool) -> Service {
        let is_ready = self.api.is_some() && http::is_ready(self.port);
        let running = self.running_api();
        let mut api = services::service("api", running.as_ref(), Some(self.port), is_ready);
        if let Some(server) = self.dev_server().filter(|_| memory).and_then(DevServer::status)
            && let Some(server) = server.server.and_then(|pid| Running::find(pid, None))
        {
            api.memory = Some(server.memory());
        }
        api
    }

    /// Returns the path of the API's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.project.runtime("api.log")
    }

    /// Returns a command that runs in the environment of the API.
    pub(crate) fn exec(&self, url: &str, command: &[String]) -> anyhow::Result<Command> {
        let (program, arguments) = command.split_first().context("the command is missing")?;
        let mut exec = Command::new(program);
        self.set_environment(&mut exec, url);
        exec.args(arguments);
        Ok(exec)
    }

    /// Returns the shell of this user, in the environment of the API.
    pub(crate) fn shell(&self, url: &str) -> anyhow::Result<Command> {
        let (variable, default) = if cfg!(windows) { ("COMSPEC", "cmd") } else { ("SHELL", "sh") };
        let shell = env::var(variable).unwrap_or_else(|_| default.to_owned());
        self.exec(url, &[shell])
    }
}
