//! What was done to a server, when and by whom: a file in a volume there. Whoever holds it open keeps
//! others from changing the server, and nobody can forget to give that back: the lock is a container
//! that reads from our end of a pipe, and ends when we do, however that is.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::{Server, image};
use crate::{process, project::Project};

/// How long the lock of a command that was killed may take to vanish.
const PATIENCE: Duration = Duration::from_secs(4);

/// Prints the file, then adds what it reads, a line at a time, with the server's own time.
const SCRIPT: &str = r#"
file=/ledger/releases
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
pub(crate) struct Entry {
    /// `deploy`, `rollback` or `scale`.
    pub(crate) what: String,
    /// Which release.
    pub(crate) tag: String,
    /// Whose command it was.
    pub(crate) who: String,
    /// `started`, a step that is done, `served`, or `failed: ` and why.
    pub(crate) state: String,
}

impl Entry {
    /// The first of a command of ours.
    pub(crate) fn new(project: &Project, what: &str, tag: &str) -> Self {
        let (what, tag) = (what.to_owned(), tag.to_owned());
        Self { what, tag, who: image::who(project), state: String::new() }
    }
}

/// What a command did: the last of its entries, and when it began.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) time: String,
    #[serde(flatten)]
    pub(crate) entry: Entry,
}

impl Record {
    pub(crate) fn has_served(&self) -> bool {
        self.entry.state == "served"
    }

    /// Whether it ended, well or not.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_served() || self.entry.state.starts_with("failed")
    }
}

/// The ledger, held open.
pub(crate) struct Ledger {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    pub(crate) records: Vec<Record>,
    entry: Entry,
}

impl Ledger {
    /// Opens it for a command.
    ///
    /// # Errors
    /// Somebody else has it open.
    pub(crate) fn open(server: &Server, image: &str, entry: &Entry) -> anyhow::Result<Self> {
        let volume = volume(server);
        let project = format!("com.docker.compose.project={}", server.name());
        process::ask(&mut server.docker(["volume", "create", "--label", &project, &volume]))?;
        let started = Instant::now();
        loop {
            match Self::try_open(server, image, &volume, entry) {
                Err(_) if holder(server).is_some() && started.elapsed() < PATIENCE => {
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
            .args(["--volume", &format!("{volume}:/ledger"), "--entrypoint", "sh", image])
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
            bail!("the ledger of {} cannot be opened: {}", server.place(), said.trim());
        }
        let input = child.stdin.take();
        Ok(Self { child, input, output, records, entry: entry.clone() })
    }

    /// Writes down that the command begins, and that it is about this release.
    pub(crate) fn begin(&mut self, tag: &str) -> anyhow::Result<()> {
        tag.clone_into(&mut self.entry.tag);
        self.write("started")
    }

    /// Writes down what came of it.
    pub(crate) fn end<T>(&mut self, done: &anyhow::Result<T>) -> anyhow::Result<()> {
        match done {
            Ok(_) => self.write("served"),
            // In one line.
            Err(error) => self.write(&format!("failed: {error:#}").replace('\n', " ")),
        }
    }

    /// Writes down how far the command is.
    pub(crate) fn write(&mut self, state: &str) -> anyhow::Result<()> {
        state.clone_into(&mut self.entry.state);
        let line = serde_json::to_string(&self.entry)?;
        let input = self.input.as_mut().context("it is open")?;
        writeln!(input, "{line}").context("the lock on the server is lost")?;
        self.output.next().context("the lock on the server is lost")??;
        Ok(())
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // The container reads the end of its input.
        drop(self.input.take());
        // Nobody is left to tell.
        let _ = self.child.wait();
    }
}

/// What was done so far, without keeping anybody from anything.
pub(crate) fn read(server: &Server, image: &str) -> anyhow::Result<Vec<Record>> {
    let mount = format!("{}:/ledger:ro", volume(server));
    let mut cat = server.docker(["run", "--rm", "--network", "none", "--volume", &mount]);
    let text =
        process::ask(cat.args(["--user", "0", "--entrypoint", "cat", image, "/ledger/releases"]))?;
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
    process::ask(&mut server.docker(["inspect", "--format", format, &lock(server)])).ok()
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
