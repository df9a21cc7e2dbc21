//! The trait that both engines implement.

use std::process::{Command, ExitCode};

use anyhow::bail;
use context::{compile::KnownFailures, service::Service, state::ApiProcess};

use crate::dev_server::DevServer;

/// The error if the migration tool is missing.
pub(crate) const NOT_BUILT: &str =
    "the migration tool is not built yet. Run `cargo xtask up` and wait until it finishes.";

/// The value of PGOPTIONS that rejects writes.
pub(crate) const READ_ONLY: &str = "-c default_transaction_read_only=on";

/// An engine that runs the stack.
pub trait Engine {
    /// Prepares the images or the cluster and returns a description of them.
    fn prepare(&mut self) -> anyhow::Result<String>;
    /// Starts the database and waits until the database accepts connections.
    fn start_database(&mut self) -> anyhow::Result<()>;
    /// Compiles the server and the migration tool and shows the messages of the compiler.
    fn build(&mut self) -> anyhow::Result<()>;
    /// Returns a command that runs the migration tool. With `standalone`, the command does not need a running API.
    fn migrate(&self, arguments: &[&str], standalone: bool) -> anyhow::Result<Command>;
    /// Runs the migration tool as [`Self::migrate`] does and returns its output.
    ///
    /// # Errors
    /// The migration tool fails. The error contains its error output.
    fn migrate_output(&self, arguments: &[&str], standalone: bool) -> anyhow::Result<String> {
        let output = self.migrate(arguments, standalone)?.output()?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("{}", message.trim().trim_start_matches("error: "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
    /// Starts the API from the last build. Replaces a running API.
    fn start_api(&mut self) -> anyhow::Result<Option<ApiProcess>>;
    /// Returns the build failures that this engine can explain.
    fn known_failures(&self) -> KnownFailures {
        &[]
    }
    /// Returns the development server, or `None` in production.
    fn dev_server(&self) -> Option<DevServer>;
    /// Returns whether the API crashes after each start.
    fn has_crashed(&self) -> bool {
        let source = self.dev_server().and_then(DevServer::status);
        source.is_some_and(|source| source.state == "crashed")
    }
    /// Returns the end of the API's log if the API has stopped or keeps crashing.
    fn api_failure(&self) -> anyhow::Result<Option<String>>;
    /// Returns whether the API itself listens on its port, and not another program.
    fn has_api_port(&self) -> bool;
    /// Stops only the API.
    fn stop_api(&mut self) -> anyhow::Result<()>;
    /// Stops the whole stack. With `volumes`, removes the data too.
    fn stop(&mut self, volumes: bool) -> anyhow::Result<()>;
    /// Restarts one service, or all services.
    fn restart(&mut self, service: Option<&str>) -> anyhow::Result<Option<ApiProcess>>;
    /// Returns the services. With `memory`, includes the memory use, which can take two seconds.
    fn services(&self, memory: bool) -> anyhow::Result<Vec<Service>>;
    /// Prints the log of one service, or of all services.
    fn logs(&self, service: Option<&str>, follow: bool) -> anyhow::Result<ExitCode>;
    /// Returns a command that runs in the environment of `service`, with its settings.
    fn exec(&self, service: &str, command: &[String]) -> anyhow::Result<Command>;
    /// Returns psql, connected to the database of the stack. With `read_only`, psql rejects writes unless the user
    /// turns `default_transaction_read_only` off.
    fn psql(&self, arguments: &[String], read_only: bool) -> anyhow::Result<Command>;
    /// Returns the name of the database.
    fn database(&self) -> &str;
    /// Returns a PostgreSQL program of the server's version, connected as superuser. With the engine external, the
    /// user and the version can be others. The input and output of the program can be pipes.
    fn postgres_program(&self, name: &str) -> Command;
    /// Returns a command that runs `docker/backup/backup.sh` with these arguments.
    fn backup(&self, arguments: &[&str]) -> anyhow::Result<Command>;
    /// Returns an interactive shell in the environment of `service`.
    fn shell(&self, service: &str) -> anyhow::Result<Command>;
}
