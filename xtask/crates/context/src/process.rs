//! Child processes: probed with a time limit, run to their end, or left running.

use std::{
    env,
    io::{IsTerminal, Read, Write},
    process::{Command, ExitCode, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System};

/// Why [`probe`] has no answer.
#[derive(Debug)]
pub enum ProbeError {
    /// The program is not installed.
    NotInstalled,
    /// The time limit was reached.
    TimedOut,
    /// It ended with an error; the first line of what it said.
    Failed(String),
}

/// What `command` prints on its standard output, if it does within `limit`.
pub fn probe(command: &mut Command, limit: Duration) -> Result<String, ProbeError> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| ProbeError::NotInstalled)?;
    // Both pipes are read while it runs: a full one would stop it.
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < limit => thread::sleep(Duration::from_millis(2)),
            _ => {
                // It may have ended by itself in the meantime.
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
    Err(ProbeError::Failed(stderr.lines().next().unwrap_or("it failed without a word").to_owned()))
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut pipe) = pipe {
            // Text that is not UTF-8 is no answer to any question of ours.
            let _ = pipe.read_to_string(&mut text);
        }
        text
    })
}

/// Takes from `command` what `cargo run` told this process of the task runner. Build scripts that read it, like
/// that of ring, would take `cargo test` in a terminal for another build than ours: each would compile anew
/// what the other had.
pub fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let is_own = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if is_own {
            command.env_remove(name);
        }
    }
}

/// Runs `command` to its end with our input and output; an error if it fails.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` ended with {status}", words(command));
    }
    Ok(())
}

/// The command line, for people; of a script among its words the first line.
fn words(command: &Command) -> String {
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

/// What `command` prints, without white space around it.
///
/// # Errors
/// It fails; what it said then.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        // Why `docker exec` cannot start anything, Docker writes to the standard output.
        let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        let said = String::from_utf8_lossy(said);
        bail!("`{}` failed ({}): {}", words(command), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Has `command` read this text, which no process list shows.
///
/// # Errors
/// It fails; what it said then.
pub fn run_with_input(command: &mut Command, text: &str) -> anyhow::Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    // If it ends before it has read all, its own words tell why.
    let _ = child.stdin.take().context("it is piped")?.write_all(text.as_bytes());
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Becomes `command` where the system can, so that its exit code, its signals and the terminal are
/// all its own; elsewhere waits for it and hands its exit code on.
pub fn exec(mut command: Command) -> anyhow::Result<ExitCode> {
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

/// How a child ended, as our own end.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Whether a person sits at both ends.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The process that started `pid`, if both are known.
pub fn parent(pid: u32) -> Option<u32> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    Some(system.process(pid)?.parent()?.as_u32())
}

/// What is known of a process that may have ended, its number since given to another.
pub struct Running {
    system: System,
    pid: Pid,
}

impl Running {
    /// The process `pid`, if it runs and started at `started` (seconds since 1970) when that is given.
    pub fn find(pid: u32, started: Option<u64>) -> Option<Self> {
        let pid = Pid::from_u32(pid);
        let mut system = System::new().ok()?;
        let what = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
        let process = system.process(pid)?;
        let is_it = started.is_none_or(|started| process.start_time().abs_diff(started) <= 1)
            && process.status() != sysinfo::ProcessStatus::Zombie;
        is_it.then_some(Self { system, pid })
    }

    fn process(&self) -> &sysinfo::Process {
        self.system.process(self.pid).expect("it was there when this was made")
    }

    /// When it started, in seconds since 1970.
    pub fn started(&self) -> u64 {
        self.process().start_time()
    }

    /// How long it has run.
    pub fn uptime(&self) -> Duration {
        Duration::from_secs(self.process().run_time())
    }

    /// Its resident memory in bytes.
    pub fn memory(&self) -> u64 {
        self.process().memory()
    }

    /// Asks it to stop, waits for up to `patience`, then ends it.
    pub fn stop(self, patience: Duration) {
        let asked = Instant::now();
        let (pid, started) = (self.pid.as_u32(), self.started());
        let polite = self.process().kill_with(Signal::Term).unwrap_or(false);
        while polite && asked.elapsed() < patience {
            if Self::find(pid, Some(started)).is_none() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.process().kill();
        while Self::find(pid, Some(started)).is_some() && asked.elapsed() < patience * 2 {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
