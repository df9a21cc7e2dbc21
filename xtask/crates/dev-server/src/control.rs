//! How others ask the supervisor: over a port of the loopback interface, whose number is in the file `control`.
//! One word is the question; the answer is a [`Status`] a line, as JSON.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::mpsc::Sender,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{event::Event, question::Question, report, status::Status};

const FILE: &str = "control";
/// Nobody may keep the supervisor waiting.
const PATIENCE: Duration = Duration::from_millis(500);

/// Those who wait for an answer.
#[derive(Default)]
pub(crate) struct Audience {
    waiting: Vec<TcpStream>,
    watching: Vec<TcpStream>,
    /// What was told last.
    told: String,
}

impl Audience {
    /// Answers at once or takes the asker up.
    pub(crate) fn add(&mut self, question: Question, stream: TcpStream, status: &Status) {
        match question {
            Question::Status => _ = tell(&stream, &line(status)),
            Question::Wait => self.waiting.push(stream),
            Question::Watch if tell(&stream, &line(status)) => self.watching.push(stream),
            Question::Watch => {}
        }
    }

    /// Tells those who watch, and, when all is `settled`, those who wait.
    pub(crate) fn tell(&mut self, status: &Status, settled: bool) {
        let line = line(status);
        if line != self.told {
            self.watching.retain(|stream| tell(stream, &line));
        }
        if settled {
            self.waiting.drain(..).for_each(|stream| _ = tell(&stream, &line));
        }
        self.told = line;
    }
}

/// Whether the asker is still there.
fn tell(mut stream: &TcpStream, line: &str) -> bool {
    stream.write_all(line.as_bytes()).is_ok()
}

fn line(status: &Status) -> String {
    format!("{}\n", serde_json::to_string(status).expect("plain data"))
}

/// Takes questions from now on; each comes as [`Event::Asked`].
pub(crate) fn open(folder: &Path, events: Sender<Event>) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let new = folder.join("control.new");
    fs::write(&new, listener.local_addr()?.port().to_string())
        .and_then(|()| fs::rename(&new, folder.join(FILE)))
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let events = events.clone();
            thread::spawn(move || {
                if let Some(question) = question(&stream) {
                    // The supervisor has ended: the asker sees that.
                    let _ = events.send(Event::Asked(question, stream));
                }
            });
        }
    });
    Ok(())
}

fn question(stream: &TcpStream) -> Option<Question> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let mut word = String::new();
    BufReader::new(stream.take(16)).read_line(&mut word).ok()?;
    let known = [Question::Status, Question::Wait, Question::Watch];
    known.into_iter().find(|question| question.as_str() == word.trim_end())
}

/// Asks the supervisor whose folder this is, and prints the answer.
///
/// # Errors
/// None is running, or the newest source has failed.
pub(crate) fn ask(folder: &Path, question: Question) -> anyhow::Result<()> {
    let connect = || -> anyhow::Result<String> {
        let port: u16 = fs::read_to_string(folder.join(FILE))?.trim().parse()?;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        writeln!(stream, "{}", question.as_str())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    let line = connect().context("no supervisor is running: `cargo xtask up` starts one")?;
    let status: Value = serde_json::from_str(&line).context("the supervisor has ended")?;
    report::plain(line.trim_end());
    if matches!(status["state"].as_str(), Some("failed" | "crashed")) {
        bail!("the newest source is not served");
    }
    Ok(())
}
