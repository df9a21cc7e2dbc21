//! Runs PostgreSQL's programs and reports their errors.

use std::{
    io::{self, Read},
    process::{Child, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use anyhow::{Context, bail};

/// A function that returns a command for a program such as `pg_dump` or `psql`.
///
/// The command connects as the superuser, and its arguments select the database. If it runs in a
/// container, its standard streams are still connected to this process.
pub type Tools<'a> = &'a dyn Fn(&str) -> Command;

/// Returns the major version of a program.
///
/// # Errors
/// Fails if the program cannot be started or prints no version.
pub fn major(tools: Tools, program: &str) -> anyhow::Result<u32> {
    let output = tools(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let version = stdout.split_whitespace().find_map(major_of);
    version.with_context(|| {
        format!("cannot read the version of {program}: {}", String::from_utf8_lossy(&output.stderr))
    })
}

/// Returns the major version in a text such as `17.2` or `18beta1`.
pub(crate) fn major_of(version: &str) -> Option<u32> {
    let end = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

/// A running program whose standard error is recorded. Dropping the value kills the program.
pub(crate) struct Running {
    pub(crate) child: Child,
    name: String,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {name}"))?;
        let mut pipe = child.stderr.take().expect("stderr is piped");
        let stderr = thread::spawn(move || {
            let mut bytes = Vec::new();
            // Errors are ignored. The bytes that were read before the error are still reported.
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).trim().to_owned()
        });
        Ok(Self { child, name: name.to_owned(), stderr: Some(stderr) })
    }

    /// Waits until the program exits.
    ///
    /// # Errors
    /// Fails with the program's standard error if the program fails.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().with_context(|| format!("cannot wait for {}", self.name))?;
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if !status.success() {
            bail!("{} failed ({status}): {stderr}", self.name);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors are ignored, because the program may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a program and returns its standard output. If the program fails, reading returns an error.
///
/// # Errors
/// Fails if the program cannot be started.
pub fn output_of(name: &str, command: &mut Command) -> anyhow::Result<Box<dyn Read + Send>> {
    let mut running = Running::start(name, command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let output = running.child.stdout.take().expect("stdout is piped");
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
