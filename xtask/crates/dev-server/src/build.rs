//! One run of cargo and, where the schema changed, of the migration tool.

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

/// A build that goes on.
pub(crate) struct Build {
    pub(crate) number: u32,
    cargo: Arc<SharedChild>,
}

impl Build {
    /// Starts `command`, which builds `dev-api` and `migrate`; then, if asked to, applies the migrations. The end comes
    /// as [`Event::Built`], and after a good one [`Event::Written`].
    pub(crate) fn start(
        number: u32,
        command: &[String],
        migrates: bool,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let (program, arguments) = command.split_first().context("no build command was given")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("--message-format=json-diagnostic-rendered-ansi")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: cancelling it ends the compilers as well.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let cargo =
            SharedChild::spawn(&mut command).with_context(|| format!("cannot start {program}"))?;
        let cargo = Arc::new(cargo);
        let running = cargo.clone();
        thread::spawn(move || {
            let mut built = finish(&running).map_err(|why| Failure::new(Stage::Build, why));
            if let Ok(built) = &mut built
                && migrates
            {
                built.migrated = migrate(&built.migrate.path);
            }
            let programs = built.as_ref().map(|it| [it.api.path.clone(), it.migrate.path.clone()]);
            let written = programs.ok().map(Event::Written);
            // The supervisor has ended: nobody is there to be told.
            let _ = events.send(Event::Built(number, built));
            let _ = running.wait();
            if let Some(written) = written {
                let _ = events.send(written);
            }
        });
        Ok(Self { number, cargo })
    }

    /// Ends it. That it was cut short comes as its end.
    pub(crate) fn cancel(&self) {
        #[cfg(unix)]
        if let Some(group) =
            i32::try_from(self.cargo.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            // It may have ended by itself in the meantime.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
        // Ends the compilers too: cargo has put them into one job.
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

/// Waits for cargo: what it made, or why it made nothing.
fn finish(cargo: &SharedChild) -> Result<Built, String> {
    let stderr = cargo.take_stderr().map(|pipe| thread::spawn(move || own_words(pipe)));
    let (mut errors, mut binaries) = (String::new(), HashMap::new());
    let (mut libraries, mut is_done) = (Vec::new(), false);
    for line in
        BufReader::new(cargo.take_stdout().expect("it is piped")).lines().map_while(Result::ok)
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
            // What it writes after this, nothing that runs needs.
            Ok(Line::BuildFinished { success: true }) => {
                is_done = true;
                break;
            }
            _ => {}
        }
    }
    if !is_done {
        // Cargo tells what no compiler does: of a manifest, a download, a lack of memory.
        let words = stderr.and_then(|reader| reader.join().ok()).unwrap_or_default();
        return Err(format!("{errors}{words}"));
    }
    let mut program = |name: &str, libraries| {
        let path = binaries.remove(name).ok_or_else(|| format!("the build makes no {name}"))?;
        Ok::<_, String>(Program::new(path, libraries))
    };
    Ok(Built {
        api: program("dev-api", libraries)?,
        migrate: program("migrate", Vec::new())?,
        migrated: Ok(()),
    })
}

/// What cargo itself says, but for its progress; passed on at once.
fn own_words(pipe: impl Read) -> String {
    let mut words = String::new();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        let first = line.split_whitespace().next().unwrap_or_default();
        if !["Compiling", "Finished"].contains(&first) {
            report::pass_on(&line);
            words.push_str(&line);
            words.push('\n');
        }
    }
    words
}

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
