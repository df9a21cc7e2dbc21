//! PostgreSQL's programs, wherever they run, and what they say when they fail.

use std::{
    io::{self, Read},
    process::{Child, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use anyhow::{Context, bail};

/// Makes a command of one of PostgreSQL's programs (`pg_dump`, `psql`) that reaches the server as its
/// superuser; which database, its arguments say. Its input and output are pipes to this machine, also
/// where it runs in a container.
pub type Tools<'a> = &'a dyn Fn(&str) -> Command;

/// The major version of one of the programs.
pub fn major(tools: Tools, program: &str) -> anyhow::Result<u32> {
    let output = tools(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.split_whitespace().find_map(major_of);
    version.with_context(|| {
        format!("{program} does not tell its version: {}", String::from_utf8_lossy(&output.stderr))
    })
}

/// The major version of `17.2` or `18beta1`.
pub(crate) fn major_of(version: &str) -> Option<u32> {
    let end = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

/// A program at work, whose words are kept for the case that it fails. It is killed when this is
/// dropped before its end.
pub(crate) struct Running {
    pub(crate) child: Child,
    name: String,
    said: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {name}"))?;
        let mut stderr = child.stderr.take().expect("it is a pipe");
        let said = thread::spawn(move || {
            let mut said = Vec::new();
            // What was read until then is all there is to tell.
            let _ = stderr.read_to_end(&mut said);
            String::from_utf8_lossy(&said).trim().to_owned()
        });
        Ok(Self { child, name: name.to_owned(), said: Some(said) })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().with_context(|| format!("{} is lost", self.name))?;
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        if !status.success() {
            bail!("{} failed ({status}): {said}", self.name);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and has nothing to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns what a program writes to its standard output. If the program fails, reading ends with an error.
pub fn output_of(name: &str, command: &mut Command) -> anyhow::Result<Box<dyn Read + Send>> {
    let mut running = Running::start(name, command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let output = running.child.stdout.take().expect("it is a pipe");
    Ok(Box::new(Output { output, running: Some(running) }))
}

struct Output {
    output: ChildStdout,
    running: Option<Running>,
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.output.read(buffer)?;
        if length == 0
            && let Some(running) = self.running.take_if(|_| !buffer.is_empty())
        {
            running.finish().map_err(io::Error::other)?;
        }
        Ok(length)
    }
}
