//! The API as a separate process, for tests of its memory, its open files or its log.

use std::{
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
};

use reqwest::{Client, RequestBuilder};
use sysinfo::{Pid, ProcessesToUpdate, System};

use super::TestApp;

/// A process on the database of an app, with the same tokens.
pub(crate) struct ServerProcess {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl ServerProcess {
    pub(crate) fn start(app: &TestApp, variables: &[(&str, &str)]) -> Self {
        Self::start_logging(app, variables, Stdio::inherit())
    }

    /// Starts the process and writes its log to `log`.
    pub(crate) fn start_logging(app: &TestApp, variables: &[(&str, &str)], log: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_test-api"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("APP_ENV", "test");
        command
            .env("API_LISTEN", "127.0.0.1:0")
            .env("DATABASE_URL", app.database.application_url());
        command.envs(variables.iter().copied()).stderr(log);
        let mut child = command.spawn().expect("a process");
        let mut address = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut address).expect("a line");
        Self { address: address.trim_end().parse().expect("an address"), child }
    }

    /// Returns the resident memory in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let (pid, mut system) = (Pid::from_u32(self.child.id()), System::new().expect("a system"));
        system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
        system.process(pid).expect("it runs").memory() >> 20
    }

    /// Stops the process. Blocks until it has ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().expect("a status")
    }

    /// Stops the process and returns its log, which must be a pipe. Blocks until the process has ended.
    pub(crate) fn stop_for_log(mut self) -> String {
        drop(self.child.stdin.take());
        let log = self.child.stderr.take().expect("a pipe");
        io::read_to_string(log).expect("UTF-8")
    }

    /// Builds a request of the member of `app`.
    pub(crate) fn get(&self, app: &TestApp, path: &str) -> RequestBuilder {
        Client::new().get(self.url(path)).bearer_auth(&app.member.token)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
