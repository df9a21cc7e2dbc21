//! Commands with a time limit, and what they said.

use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::interrupt;

/// No command takes this long, two release builds side by side on a slow machine included: it hangs.
const DEADLINE: Duration = Duration::from_mins(40);

/// Waits until `answer` gives something.
pub(crate) fn eventually<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = answer() {
            return value;
        }
        interrupt::check();
        assert!(started.elapsed() < Duration::from_mins(2), "{what}: not in two minutes");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Runs `command` to its end, without a terminal and without input.
pub(crate) fn run(command: &mut Command) -> Ran {
    Running::start(command, "").end()
}

/// What a command that must succeed prints.
pub(crate) fn ask(command: &mut Command) -> String {
    run(command).succeeded().stdout.trim().to_owned()
}

/// A command that goes on while the test looks at it. It leads a process group of its own.
pub(crate) struct Running {
    command: String,
    child: Child,
    folder: TempDir,
}

impl Running {
    /// Starts `command` with `input` coming through a pipe.
    pub(crate) fn start(command: &mut Command, input: &str) -> Self {
        let folder = TempDir::new().expect("a folder for the output");
        // Files, not pipes: a server that a command leaves behind could hold a pipe open.
        let file = |name| File::create(folder.path().join(name)).expect("a file for the output");
        let mut child = std::os::unix::process::CommandExt::process_group(command, 0)
            .stdin(Stdio::piped())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        Self { command: format!("{:?}", command.get_args()), child, folder }
    }

    fn text(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).expect("the output");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What it said so far.
    pub(crate) fn said(&self) -> String {
        self.text("stdout") + &self.text("stderr")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has said `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        eventually(text, || {
            let said = self.said();
            let ended = self.child.try_wait().expect("its status");
            assert!(ended.is_none() || said.contains(text), "it ended without {text:?}:\n{said}");
            said.contains(text).then_some(())
        });
    }

    /// Presses Ctrl-C: every process of the group gets it, as from a terminal.
    pub(crate) fn interrupt(&self) {
        signal("INT", &format!("-{}", self.child.id()));
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            interrupt::check();
            assert!(started.elapsed() < DEADLINE, "{} hangs:\n{}", self.command, self.said());
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

/// Sends a signal to a process, or to a whole group where a minus precedes its number.
pub(crate) fn signal(name: &str, pid: &str) {
    let kill = format!("kill -s {name} -- {pid}");
    let status = Command::new("sh").args(["-c", &kill]).status().expect("sh");
    assert!(status.success(), "{kill}: {status}");
}

/// How a command ended, and what it said.
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

    /// Expects `text` in what it printed.
    pub(crate) fn says(self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        assert!(self.said().contains(text), "it does not say {text:?}: {self}");
        self
    }

    pub(crate) fn never_says(self, text: &str) -> Self {
        assert!(!self.said().contains(text), "it says {text:?}: {self}");
        self
    }

    fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}: {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
