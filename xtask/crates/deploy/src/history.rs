//! The deployment history of a server: a file in a volume there, and the lock on it.
//!
//! The command that holds the file open keeps others from changing the server. The lock is a container
//! that reads from a pipe of this process, so that it ends with the process, however that ends.

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

/// How long the lock of a command that was killed may take to vanish.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Prints the file, then adds what it reads, a line at a time, with the server's own time.
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

/// One line of the file, but for its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// `deploy`, `rollback` or `scale`.
    pub what: String,
    /// Which release.
    pub tag: String,
    /// Whose command it was.
    pub who: String,
    /// `started`, a step that is done, `served`, or `failed: ` and why.
    pub state: String,
}

impl Entry {
    /// The first of a command of ours.
    pub fn new(project: &Project, what: &str, tag: &str) -> Self {
        let (what, tag) = (what.to_owned(), tag.to_owned());
        Self { what, tag, who: who(project), state: String::new() }
    }
}

/// What a command did: the last of its entries, and when it began.
#[derive(Debug, Serialize)]
pub struct Record {
    /// When the command began, by the server's clock.
    pub time: String,
    #[serde(flatten)]
    /// The last entry of the command.
    pub entry: Entry,
}

impl Record {
    /// Returns whether the release serves.
    pub fn has_served(&self) -> bool {
        self.entry.state == "served"
    }

    /// Whether it ended, well or not.
    pub fn has_ended(&self) -> bool {
        self.has_served() || self.entry.state.starts_with("failed")
    }
}

/// The history, held open.
pub struct History {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// What was done before.
    pub records: Vec<Record>,
    entry: Entry,
}

impl History {
    /// Opens it for a command.
    ///
    /// # Errors
    /// Somebody else has it open.
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
                        "{holder} is at work on {}. If that command is no more, its lock is: docker rm --force {}",
                        server.place(),
                        lock(server)
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
        // Ctrl-C is for us, and we end it by ending.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(run, 0);
        let mut child = run.spawn().context("cannot start docker")?;
        let mut output = BufReader::new(child.stdout.take().context("it is piped")?).lines();
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
            let said = std::io::read_to_string(child.stderr.take().context("it is piped")?)?;
            child.wait()?;
            bail!("the history of {} cannot be opened: {}", server.place(), said.trim());
        }
        let input = child.stdin.take();
        Ok(Self { child, input, output, records, entry: entry.clone() })
    }

    /// Writes down that the command begins, and that it is about this release.
    pub fn begin(&mut self, tag: &str) -> anyhow::Result<()> {
        tag.clone_into(&mut self.entry.tag);
        self.write("started")
    }

    /// Writes down what came of it.
    pub fn end<T>(&mut self, done: &anyhow::Result<T>) -> anyhow::Result<()> {
        match done {
            Ok(_) => self.write("served"),
            // In one line.
            Err(error) => self.write(&format!("failed: {error:#}").replace('\n', " ")),
        }
    }

    /// Writes down how far the command is.
    pub fn write(&mut self, state: &str) -> anyhow::Result<()> {
        state.clone_into(&mut self.entry.state);
        let line = serde_json::to_string(&self.entry)?;
        let input = self.input.as_mut().context("it is open")?;
        writeln!(input, "{line}").context("the lock on the server is lost")?;
        self.output.next().context("the lock on the server is lost")??;
        Ok(())
    }
}

impl Drop for History {
    fn drop(&mut self) {
        // The container reads the end of its input.
        drop(self.input.take());
        // Nobody is left to tell.
        let _ = self.child.wait();
    }
}

/// What was done so far, without keeping anybody from anything.
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

/// Takes a line of the file to what is known. A line that another version of this wrote may be none.
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

/// Who has it open, and for what.
fn holder(server: &Server) -> Option<String> {
    let format = "{{index .Config.Labels \"slipway.who\"}} since {{.Created}}";
    process::output(&mut server.docker(["inspect", "--format", format, &lock(server)])).ok()
}

/// Who ships, for the history: a name and a machine.
fn who(project: &Project) -> String {
    let user = git::output(project, &["config", "user.name"]).filter(|name| !name.is_empty());
    let user = user.or_else(|| env::var("USER").ok()).unwrap_or_else(|| "somebody".to_owned());
    let machine = process::probe(&mut Command::new("hostname"), Duration::from_secs(1));
    format!("{user} on {}", machine.unwrap_or_else(|_| "a machine without a name".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_as_far_as_its_last_line_says() {
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
        add(&mut records, "no line of ours");
        assert_eq!(records.len(), 2);
        assert!(records[0].has_served() && !records[1].has_ended());
        assert_eq!((records[1].time.as_str(), records[1].entry.state.as_str()), ("3", "migrated"));
    }
}
