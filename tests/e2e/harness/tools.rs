//! PostgreSQL's programs of the server's version, in its container or on this machine.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use db::ConnectionConfig;
use local_postgres::Installation;

use super::Database;

/// Builds commands that run the programs as the superuser.
#[derive(Clone)]
pub(crate) struct Tools {
    container: Option<String>,
    variables: Vec<(&'static str, String)>,
    installation: Option<Installation>,
}

impl Tools {
    pub(crate) fn of(database: &Database) -> Self {
        let url: ConnectionConfig = database.url().parse().expect("a URL");
        let port = url.get_ports()[0].to_string();
        let password = String::from_utf8_lossy(url.get_password().expect("a password"));
        let variables = vec![
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", port.clone()),
            ("PGUSER", url.get_user().expect("a user").to_owned()),
            ("PGPASSWORD", password.into_owned()),
        ];
        let mut list = Command::new("docker");
        list.args(["ps", "--quiet", "--filter", &format!("publish={port}")]);
        let output = list.output().map(|output| output.stdout).unwrap_or_default();
        let container = String::from_utf8_lossy(&output).lines().next().map(str::to_owned);
        let installation = Installation::find(&|name| env::var_os(name)).ok();
        Self { container, variables, installation }
    }

    /// Builds a shell command with PostgreSQL's programs in its PATH.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-c", script]);
        if self.container.is_none() {
            let bin = self.installation.as_ref().expect("as above").bin().to_owned();
            let path = env::var_os("PATH").unwrap_or_default();
            let path = env::join_paths([bin].into_iter().chain(env::split_paths(&path)));
            command.env("PATH", path.expect("a path"));
        }
        command
    }

    /// Copies a folder to the machine with the programs. The target must not exist.
    pub(crate) fn place(&self, folder: &Path, to: &str) {
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(folder).arg(to);
        if let Some(container) = &self.container {
            // Creates the folder inside the container first. `docker cp` would create it for another user.
            assert!(self.shell(&format!("mkdir {to}")).status().expect("a shell").success());
            copy = Command::new("docker");
            copy.arg("cp").arg(folder.join(".")).arg(format!("{container}:{to}"));
        }
        assert!(copy.stdout(Stdio::null()).status().expect("a copy").success());
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let Some(container) = &self.container else {
            let installation = self.installation.as_ref().expect("PostgreSQL is installed here");
            let mut command = Command::new(installation.program(program));
            command.envs(self.variables.iter().cloned());
            return command;
        };
        let mut command = Command::new("docker");
        command.args(["exec", "--interactive"]);
        for (name, value) in self.variables.iter().filter(|(name, _)| *name != "PGPORT") {
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.args([container, program]);
        command
    }
}
