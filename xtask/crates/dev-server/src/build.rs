//! Runs cargo and, if the schema changed, the migration tool.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc::Sender},
    thread,
};

use anyhow::Context;
use serde::Deserialize;
use shared_child::SharedChild;

use crate::{
    event::Event,
    program::{Built, Program},
    report,
    status::{Failure, Stage},
};

/// A running build.
pub(crate) struct Build {
    pub(crate) number: u32,
    cargo: Arc<SharedChild>,
}

impl Build {
    /// Starts `command`, which builds `dev-api` and `migrate`. Then applies the migrations if `migrates` is true. Sends
    /// [`Event::Built`] at the end, and [`Event::Written`] after a successful build.
    pub(crate) fn start(
        number: u32,
        command: &[String],
        migrates: bool,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let (program, arguments) = command.split_first().context("the build command is missing")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("--message-format=json-diagnostic-rendered-ansi")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Cargo and its compilers share a new process group, so `cancel` can end all of them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let cargo =
            SharedChild::spawn(&mut command).with_context(|| format!("cannot start {program}"))?;
        let cargo = Arc::new(cargo);
        let running = cargo.clone();
        thread::spawn(move || {
            let mut built = finish(&running).map_err(|error| Failure::new(Stage::Build, error));
            if let Ok(built) = &mut built
                && migrates
            {
                built.migrated = migrate(&built.migrate.path);
            }
            let programs = built.as_ref().map(|it| [it.api.path.clone(), it.migrate.path.clone()]);
            let written = programs.ok().map(Event::Written);
            // Errors are ignored. They occur only if the supervisor has ended.
            let _ = events.send(Event::Built(number, built));
            let _ = running.wait();
            if let Some(written) = written {
                let _ = events.send(written);
            }
        });
        Ok(Self { number, cargo })
    }

    /// Ends the build, which then sends [`Event::Built`] with a failure.
    pub(crate) fn cancel(&self) {
        #[cfg(unix)]
        if let Some(group) =
            i32::try_from(self.cargo.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            // Errors are ignored, because the build may have ended already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
        // On Windows, cargo and its compilers belong to one job, so killing cargo ends all of them.
        #[cfg(not(unix))]
        let _ = self.cargo.kill();
    }
}

/// A line of cargo's output.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line {
    CompilerMessage {
        message: Diagnostic,
    },
    CompilerArtifact {
        target: Target,
        filenames: Vec<PathBuf>,
        executable: Option<PathBuf>,
    },
    BuildFinished {
        success: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Waits for cargo, and returns the built programs or the error messages.
fn finish(cargo: &SharedChild) -> Result<Built, String> {
    let stderr = cargo.take_stderr().map(|pipe| thread::spawn(move || cargo_messages(pipe)));
    let (mut errors, mut binaries) = (String::new(), HashMap::new());
    let (mut libraries, mut is_done) = (Vec::new(), false);
    for line in
        BufReader::new(cargo.take_stdout().expect("stdout is piped")).lines().map_while(Result::ok)
    {
        match serde_json::from_str(&line) {
            Ok(Line::CompilerMessage { message: Diagnostic { level, rendered: Some(text) } }) => {
                report::pass_on(&text);
                if level.starts_with("error") {
                    errors.push_str(&text);
                }
            }
            Ok(Line::CompilerArtifact { target, executable: Some(path), .. }) => {
                binaries.insert(target.name, path);
            }
            Ok(Line::CompilerArtifact { target, filenames, .. })
                if target.kind.iter().any(|kind| kind == "dylib") =>
            {
                libraries.extend(filenames);
            }
            // The programs are complete, so the caller does not wait until cargo exits.
            Ok(Line::BuildFinished { success: true }) => {
                is_done = true;
                break;
            }
            _ => {}
        }
    }
    if !is_done {
        // Adds the messages of cargo itself, such as invalid manifests and failed downloads.
        let messages = stderr.and_then(|reader| reader.join().ok()).unwrap_or_default();
        return Err(format!("{errors}{messages}"));
    }
    let mut program = |name: &str, libraries| {
        let path =
            binaries.remove(name).ok_or_else(|| format!("the build did not produce {name}"))?;
        Ok::<_, String>(Program::new(path, libraries))
    };
    Ok(Built {
        api: program("dev-api", libraries)?,
        migrate: program("migrate", Vec::new())?,
        migrated: Ok(()),
    })
}

/// Prints and returns cargo's own messages, without its progress.
fn cargo_messages(pipe: impl Read) -> String {
    let mut messages = String::new();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        let first = line.split_whitespace().next().unwrap_or_default();
        if !["Compiling", "Finished"].contains(&first) {
            report::pass_on(&line);
            messages.push_str(&line);
            messages.push('\n');
        }
    }
    messages
}

/// Applies the migrations. Returns the messages of the migration tool as the error.
fn migrate(program: &Path) -> Result<(), String> {
    let output = Command::new(program).arg("up").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    for line in
        String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("applied"))
    {
        report::note(line);
    }
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
