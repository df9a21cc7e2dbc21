//! Commands with a time limit, and their output.

use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::interrupt;

/// The timeout of a command. Must exceed the time of two concurrent release builds on a slow machine.
const DEADLINE: Duration = Duration::from_mins(40);

/// Waits until `poll` returns a value. `what` describes the value.
pub(crate) fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        interrupt::check();
        assert!(started.elapsed() < Duration::from_mins(2), "timed out after two minutes: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Runs `command` without a terminal and without input, and waits for its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    Running::start(command, "").end()
}

/// Runs a command that must succeed, and returns its output.
pub(crate) fn ask(command: &mut Command) -> String {
    run(command).succeeded().stdout.trim().to_owned()
}

/// A running command in its own process group.
pub(crate) struct Running {
    command: String,
    child: Child,
    folder: TempDir,
}

impl Running {
    /// Starts `command` and writes `input` to its pipe.
    pub(crate) fn start(command: &mut Command, input: &str) -> Self {
        let folder = TempDir::new().expect("a folder for the output");
        // The output goes to files. A pipe could stay open, because servers that the command starts inherit it.
        let file = |name| File::create(folder.path().join(name)).expect("a file for the output");
        let mut child = std::os::unix::process::CommandExt::process_group(command, 0)
            .stdin(Stdio::piped())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        // Errors are ignored, because a command that does not read its input may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        Self { command: format!("{:?}", command.get_args()), child, folder }
    }

    fn text(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).expect("the output");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the output up to now.
    pub(crate) fn output(&self) -> String {
        self.text("stdout") + &self.text("stderr")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the command has printed `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        eventually(text, || {
            let output = self.output();
            let ended = self.child.try_wait().expect("a status");
            assert!(
                ended.is_none() || output.contains(text),
                "the command ended without {text:?}:\n{output}"
            );
            output.contains(text).then_some(())
        });
    }

    /// Sends SIGINT to the process group, as Ctrl-C in a terminal does.
    pub(crate) fn interrupt(&self) {
        signal("INT", &format!("-{}", self.child.id()));
    }

    /// Waits for the end of the command.
    pub(crate) fn end(mut self) -> Ran {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                break status;
            }
            interrupt::check();
            assert!(started.elapsed() < DEADLINE, "{} hangs:\n{}", self.command, self.output());
            thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (self.text("stdout"), self.text("stderr"));
        Ran { command: self.command.clone(), status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal("KILL", &format!("-{}", self.child.id()));
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to a process, or to a process group if `pid` starts with a minus.
pub(crate) fn signal(name: &str, pid: &str) {
    let kill = format!("kill -s {name} -- {pid}");
    let status = Command::new("sh").args(["-c", &kill]).status().expect("sh");
    assert!(status.success(), "{kill}: {status}");
}

/// The exit status and output of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    command: String,
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    pub(crate) fn succeeded(self) -> Self {
        assert!(self.status.success(), "{self}");
        self
    }

    pub(crate) fn failed(self) -> Self {
        assert!(!self.status.success(), "{self}");
        self
    }

    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Panics unless the output contains `text`.
    pub(crate) fn prints(self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        assert!(self.output().contains(text), "the output does not contain {text:?}: {self}");
        self
    }

    pub(crate) fn never_prints(self, text: &str) -> Self {
        assert!(!self.output().contains(text), "the output contains {text:?}: {self}");
        self
    }

    fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}: {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
