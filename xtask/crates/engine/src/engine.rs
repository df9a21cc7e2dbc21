//! The trait that both engines implement.

use std::process::{Command, ExitCode};

use anyhow::bail;
use context::{compile::KnownFailures, service::Service, state::ApiProcess};

use crate::dev_server::DevServer;

/// The error of an engine that has no migration tool yet.
pub(crate) const NOT_BUILT: &str =
    "the migration tool is not built yet: let `cargo xtask up` run to its end first";

/// One way to run the stack.
pub trait Engine {
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
    fn migrate_output(&self, arguments: &[&str], apart: bool) -> anyhow::Result<String> {
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
    fn known_failures(&self) -> KnownFailures {
        &[]
    }
    /// What follows the source in the running stack; none if nothing does.
    fn dev_server(&self) -> Option<DevServer>;
    /// Whether the API does not stay up.
    fn has_crashed(&self) -> bool {
        let source = self.dev_server().and_then(DevServer::status);
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
