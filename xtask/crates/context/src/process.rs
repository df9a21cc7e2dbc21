//! Runs child processes, and finds and stops other processes.

use std::{
    env,
    io::{BufRead, BufReader, IsTerminal, Read, Write},
    process::{Command, ExitCode, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System};

use crate::report;

/// The reason why [`probe`] failed.
#[derive(Debug)]
pub enum ProbeError {
    /// The program is not installed.
    NotInstalled,
    /// The timeout expired.
    TimedOut,
    /// The program failed. Contains the first line of its error output.
    Failed(String),
}

/// Runs `command` with a timeout of `limit` and returns its standard output.
pub fn probe(command: &mut Command, limit: Duration) -> Result<String, ProbeError> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| ProbeError::NotInstalled)?;
    // Threads read both pipes while the program runs, because a full pipe would block the program.
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < limit => thread::sleep(Duration::from_millis(2)),
            _ => {
                // Errors are ignored, because the program may have ended in the meantime.
                let _ = child.kill();
                let _ = child.wait();
                return Err(ProbeError::TimedOut);
            }
        }
    };
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    if status.success() {
        return Ok(stdout.trim().to_owned());
    }
    Err(ProbeError::Failed(stderr.lines().next().unwrap_or("no error message").to_owned()))
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut pipe) = pipe {
            // Errors are ignored, so output that is not UTF-8 counts as empty.
            let _ = pipe.read_to_string(&mut text);
        }
        text
    })
}

/// Removes the package variables that `cargo run` sets for the task runner. Build scripts read these variables, so a
/// build with them and a build from a terminal would recompile each other's crates. Also removes CARGO_BUILD_TARGET,
/// which would put the binaries into another folder.
pub fn remove_package_variables(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let is_own = name.to_str().is_some_and(|name| {
            name == "CARGO_BUILD_TARGET"
                || name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
        });
        if is_own {
            command.env_remove(name);
        }
    }
}

/// Runs `command` in the terminal. Returns an error if the command fails.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    report::command(&command_line(command));
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", command_line(command));
    }
    Ok(())
}

/// Returns the command line for messages, with only the first line of each argument.
pub(crate) fn command_line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let first_line = |word: &std::ffi::OsStr| {
        let word = word.to_string_lossy();
        match word.trim_start().split_once('\n') {
            Some((first, _)) => format!("{first} …"),
            None => word.into_owned(),
        }
    };
    words.map(first_line).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", command.get_program().display())
}

/// Returns the standard output of `command`, without white space at both ends.
///
/// # Errors
/// The command fails. The error contains its output.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    report::command(&command_line(command));
    let output = command.output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        // `docker exec` writes some errors to stdout instead of stderr.
        let message = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        let message = String::from_utf8_lossy(message);
        bail!("`{}` failed ({}): {}", command_line(command), output.status, message.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `command` with `text` as its standard input, which process lists do not show.
///
/// # Errors
/// The command fails. The error contains its error output.
pub fn run_with_input(command: &mut Command, text: &str) -> anyhow::Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    // Errors are ignored. If the command ends before it has read everything, its stderr contains the reason.
    let _ = child.stdin.take().context("stdin is not piped")?.write_all(text.as_bytes());
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Replaces this process with `command` on Unix. On other systems, waits for `command` and returns its exit code.
pub fn exec(mut command: Command) -> anyhow::Result<ExitCode> {
    report::command(&command_line(&command));
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(&mut command);
        Err(error).with_context(|| cannot_start(&command))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().with_context(|| cannot_start(&command))?;
        Ok(exit_code(status))
    }
}

/// Runs `command`, which prints a log, and removes the colours from the log if standard output does not show colours.
pub fn show_log(mut command: Command) -> anyhow::Result<ExitCode> {
    if report::shows_colours() {
        return exec(command);
    }
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(&command))?;
    let lines = BufReader::new(child.stdout.take().context("stdout is not piped")?);
    for line in lines.split(b'\n') {
        if !report::log_line(&String::from_utf8_lossy(&line?)) {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(ExitCode::SUCCESS);
        }
    }
    Ok(exit_code(child.wait()?))
}

/// Converts the exit status of a child process to an exit code for this process.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Returns whether standard input and standard output are terminals.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Returns the parent process of `pid`. Returns `None` if the process or its parent is unknown.
pub fn parent(pid: u32) -> Option<u32> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let kind = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    Some(system.process(pid)?.parent()?.as_u32())
}

/// A running process. The start time distinguishes it from a later process with the same PID.
pub struct Running {
    system: System,
    pid: Pid,
}

impl Running {
    /// Finds the running process `pid`. If `started` (seconds since 1970) is given, the start time must match.
    pub fn find(pid: u32, started: Option<u64>) -> Option<Self> {
        let pid = Pid::from_u32(pid);
        let mut system = System::new().ok()?;
        let kind = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        let process = system.process(pid)?;
        let is_it = started.is_none_or(|started| process.start_time().abs_diff(started) <= 1)
            && process.status() != sysinfo::ProcessStatus::Zombie;
        is_it.then_some(Self { system, pid })
    }

    fn process(&self) -> &sysinfo::Process {
        self.system.process(self.pid).expect("the process was found in `find`")
    }

    /// Returns the start time in seconds since 1970.
    pub fn started(&self) -> u64 {
        self.process().start_time()
    }

    /// Returns the time since the start.
    pub fn uptime(&self) -> Duration {
        Duration::from_secs(self.process().run_time())
    }

    /// Returns the resident memory in bytes.
    pub fn memory(&self) -> u64 {
        self.process().memory()
    }

    /// Asks the process to stop, waits up to `timeout`, then kills it.
    pub fn stop(self, timeout: Duration) {
        let begun = Instant::now();
        let (pid, started) = (self.pid.as_u32(), self.started());
        let was_asked = self.process().kill_with(Signal::Term).unwrap_or(false);
        while was_asked && begun.elapsed() < timeout {
            if Self::find(pid, Some(started)).is_none() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.process().kill();
        while Self::find(pid, Some(started)).is_some() && begun.elapsed() < timeout * 2 {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
