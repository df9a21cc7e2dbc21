//! The API as a process of its own, where its memory or its open files are what a test is about.

use std::{
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
};

use reqwest::{Client, RequestBuilder};
use sysinfo::{Pid, ProcessesToUpdate, System};

use super::TestApp;

/// Beside an app of this process, on its database; both know the same tokens.
pub(crate) struct ServerProcess {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl ServerProcess {
    pub(crate) fn start(beside: &TestApp, variables: &[(&str, &str)]) -> Self {
        Self::start_logging(beside, variables, Stdio::inherit())
    }

    /// Its log goes to `log`.
    pub(crate) fn start_logging(beside: &TestApp, variables: &[(&str, &str)], log: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_test-api"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("APP_ENV", "test");
        command.env("API_LISTEN", "127.0.0.1:0").env("DATABASE_URL", beside.database.url());
        command.envs(variables.iter().copied()).stderr(log);
        let mut child = command.spawn().expect("a process");
        let mut address = String::new();
        let output = child.stdout.take().expect("it is a pipe");
        BufReader::new(output).read_line(&mut address).expect("a line");
        Self { address: address.trim_end().parse().expect("an address"), child }
    }

    /// MiB in memory.
    pub(crate) fn memory(&self) -> u64 {
        let (pid, mut system) = (Pid::from_u32(self.child.id()), System::new().expect("a system"));
        system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
        system.process(pid).expect("it runs").memory() >> 20
    }

    /// Has it stop, and waits until it has. It blocks.
    pub(crate) fn stop(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().expect("a status")
    }

    /// Has it stop, and returns what it has logged to a pipe. It blocks.
    pub(crate) fn stop_for_log(mut self) -> String {
        drop(self.child.stdin.take());
        let log = self.child.stderr.take().expect("it is a pipe");
        io::read_to_string(log).expect("UTF-8")
    }

    /// A request of the member of `app`.
    pub(crate) fn get(&self, app: &TestApp, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        Client::new().get(url).bearer_auth(&app.member.token)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
