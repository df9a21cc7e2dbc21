//! The deployment history of a server, which is a file in a Docker volume, and the deployment lock.
//!
//! The lock is a container that reads from a pipe of this process, so it disappears when this process ends.

use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::server::Server;
use context::{git, process, project::Project};

/// The time for which the lock of a killed command can remain.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Prints the file, then appends each line from standard input with the server's time.
const SCRIPT: &str = r#"
file=/history/releases
touch "$file"
cat "$file"
echo end
while IFS= read -r line; do
    printf '%s\t%s\n' "$(date -u +%FT%TZ)" "$line" >>"$file"
    echo written
done
"#;

/// One line of the history, without its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The command: `up`, `deploy`, `rollback` or `scale`.
    pub what: String,
    /// The release.
    pub tag: String,
    /// The user and the machine that ran the command.
    pub who: String,
    /// The state: `started`, a completed step, `served`, or `failed: ` with the reason.
    pub state: String,
}

impl Entry {
    /// Creates the first entry of a command that this user runs.
    pub fn new(project: &Project, what: &str, tag: &str) -> Self {
        let (what, tag) = (what.to_owned(), tag.to_owned());
        Self { what, tag, who: who(project), state: String::new() }
    }
}

/// The last entry of a command, and the time of its first entry.
#[derive(Debug, Serialize)]
pub struct Record {
    /// The start of the command, by the server's clock.
    pub time: String,
    #[serde(flatten)]
    /// The last entry of the command.
    pub entry: Entry,
}

impl Record {
    /// Returns whether the command succeeded.
    pub fn has_served(&self) -> bool {
        self.entry.state == "served"
    }

    /// Returns whether the command succeeded or failed.
    pub fn has_ended(&self) -> bool {
        self.has_served() || self.entry.state.starts_with("failed")
    }
}

/// The opened history. Only one command can have the history of a server open.
pub struct History {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// The earlier commands, oldest first.
    pub records: Vec<Record>,
    entry: Entry,
}

impl History {
    /// Opens the history for a command.
    ///
    /// # Errors
    /// Another command has the history open.
    pub fn open(server: &Server, image: &str, entry: &Entry) -> anyhow::Result<Self> {
        let volume = volume(server);
        let project = format!("com.docker.compose.project={}", server.name());
        process::output(&mut server.docker(["volume", "create", "--label", &project, &volume]))?;
        let started = Instant::now();
        loop {
            match Self::try_open(server, image, &volume, entry) {
                Err(_) if holder(server).is_some() && started.elapsed() < TIMEOUT => {
                    thread::sleep(Duration::from_millis(200));
                }
                Err(error) => match holder(server) {
                    Some(holder) => bail!(
                        "another command uses {}: {holder}. If this command is not running, remove its lock with \
                         docker rm --force {}",
                        server.place(),
                        lock(server),
                    ),
                    None => return Err(error),
                },
                opened => return opened,
            }
        }
    }

    fn try_open(server: &Server, image: &str, volume: &str, entry: &Entry) -> anyhow::Result<Self> {
        let mut run = server.docker(["run", "--interactive", "--rm", "--name", &lock(server)]);
        run.args(["--label", &format!("slipway.who={}: {} {}", entry.who, entry.what, entry.tag)])
            .args(["--network", "none", "--read-only", "--cap-drop", "ALL", "--user", "0"])
            .args(["--volume", &format!("{volume}:/history"), "--entrypoint", "sh", image])
            .args(["-euc", SCRIPT]);
        let run = run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In its own process group, `docker` does not get Ctrl-C. The container ends together with this process.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(run, 0);
        let mut child = run.spawn().context("cannot start docker")?;
        let mut output = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        let (mut records, mut is_whole) = (Vec::new(), false);
        for line in output.by_ref() {
            let line = line?;
            if line == "end" {
                is_whole = true;
                break;
            }
            add(&mut records, &line);
        }
        if !is_whole {
            let error = std::io::read_to_string(child.stderr.take().context("stderr is piped")?)?;
            child.wait()?;
            bail!("cannot open the history of {}: {}", server.place(), error.trim());
        }
        let input = child.stdin.take();
        Ok(Self { child, input, output, records, entry: entry.clone() })
    }

    /// Records that the command starts to install this release.
    pub fn begin(&mut self, tag: &str) -> anyhow::Result<()> {
        tag.clone_into(&mut self.entry.tag);
        self.write("started")
    }

    /// Records the result of the command.
    pub fn end<T>(&mut self, done: &anyhow::Result<T>) -> anyhow::Result<()> {
        match done {
            Ok(_) => self.write("served"),
            // Each entry must be a single line, so line breaks are replaced.
            Err(error) => self.write(&format!("failed: {error:#}").replace('\n', " ")),
        }
    }

    /// Records a state of the command.
    pub fn write(&mut self, state: &str) -> anyhow::Result<()> {
        state.clone_into(&mut self.entry.state);
        let line = serde_json::to_string(&self.entry)?;
        let input = self.input.as_mut().context("the deployment history is already closed")?;
        writeln!(input, "{line}")
            .context("lost the deployment lock on the server. Run the command again.")?;
        self.output
            .next()
            .context("lost the deployment lock on the server. Run the command again.")??;
        Ok(())
    }
}

impl Drop for History {
    fn drop(&mut self) {
        // Closing its stdin makes the container exit.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Returns the earlier commands, oldest first. Does not lock the history.
pub fn read(server: &Server, image: &str) -> anyhow::Result<Vec<Record>> {
    let mount = format!("{}:/history:ro", volume(server));
    let mut cat = server.docker(["run", "--rm", "--network", "none", "--volume", &mount]);
    let text = process::output(cat.args([
        "--user",
        "0",
        "--entrypoint",
        "cat",
        image,
        "/history/releases",
    ]))?;
    let mut records = Vec::new();
    text.lines().for_each(|line| add(&mut records, line));
    Ok(records)
}

/// Adds a line of the file to the records. Ignores lines in the format of other versions.
fn add(records: &mut Vec<Record>, line: &str) {
    let Some((time, entry)) = line.split_once('\t') else { return };
    let Ok(entry) = serde_json::from_str::<Entry>(entry) else { return };
    match records.last_mut() {
        Some(last) if entry.state != "started" => last.entry = entry,
        _ => records.push(Record { time: time.to_owned(), entry }),
    }
}

fn volume(server: &Server) -> String {
    format!("{}_releases", server.name())
}

fn lock(server: &Server) -> String {
    format!("{}-release", server.name())
}

/// Returns the command that has the history open.
fn holder(server: &Server) -> Option<String> {
    let format = "{{index .Config.Labels \"slipway.who\"}} since {{.Created}}";
    process::output(&mut server.docker(["inspect", "--format", format, &lock(server)])).ok()
}

/// Returns the user and the machine for the history.
fn who(project: &Project) -> String {
    let user = git::output(project, &["config", "user.name"]).filter(|name| !name.is_empty());
    let user = user.or_else(|| env::var("USER").ok()).unwrap_or_else(|| "unknown user".to_owned());
    let machine = process::probe(&mut Command::new("hostname"), Duration::from_secs(1));
    format!("{user} on {}", machine.unwrap_or_else(|_| "unknown machine".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_of_a_command_is_its_state() {
        let mut records = Vec::new();
        for (time, tag, state) in [
            ("1", "a", "started"),
            ("2", "a", "served"),
            ("3", "b", "started"),
            ("4", "b", "migrated"),
        ] {
            let entry =
                format!(r#"{{"what":"deploy","tag":"{tag}","who":"me","state":"{state}"}}"#);
            add(&mut records, &format!("{time}\t{entry}"));
        }
        add(&mut records, "not an entry");
        assert_eq!(records.len(), 2);
        assert!(records[0].has_served() && !records[1].has_ended());
        assert_eq!((records[1].time.as_str(), records[1].entry.state.as_str()), ("3", "migrated"));
    }
}
