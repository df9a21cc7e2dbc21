//! The one PostgreSQL of this test run, and those that a test has for itself: `test-postgres`, a
//! process of our own, holds each.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The server, and the pipe whose end tells its holder that the tests have ended.
pub(crate) struct Postgres {
    /// The URL of the server, to be continued by the name of a database.
    url: String,
    /// What the names of the databases of this run begin with.
    prefix: String,
    holder: Mutex<ChildStdin>,
}

/// A server of one test's own, gone when this is dropped.
pub(crate) struct OwnPostgres {
    /// The URL of its database, which has all migrations.
    pub(crate) url: String,
    held: Held,
}

/// A process that holds a server until its input ends.
struct Held {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

static POSTGRES: OnceLock<Result<Postgres, String>> = OnceLock::new();
static TAKEN: AtomicUsize = AtomicUsize::new(0);

impl Postgres {
    /// The server, which the first call starts.
    pub(crate) fn get() -> &'static Self {
        let started = POSTGRES.get_or_init(Self::start);
        started.as_ref().unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}"))
    }

    fn start() -> Result<Self, String> {
        let (url, held) = Held::start(&[])?;
        let Some((url, prefix)) = split(&url) else { return Err(url) };
        Ok(Self { url, prefix, holder: Mutex::new(held.input) })
    }

    /// A beginning for the names of one test's databases that no other test has.
    pub(crate) fn take_prefix(&self) -> String {
        format!("{}{}_", self.prefix, TAKEN.fetch_add(1, Ordering::Relaxed))
    }

    /// The database with all migrations.
    pub(crate) fn template(&self) -> String {
        format!("{}template", self.prefix)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}{database}", self.url)
    }

    /// Has the holder drop the databases whose names begin with `prefix`, some time soon.
    pub(crate) fn drop_all(&self, prefix: &str) {
        let mut holder = self.holder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A holder that is gone has dropped them.
        let _ = writeln!(holder, "{prefix}");
    }
}

impl OwnPostgres {
    pub(crate) fn start() -> Self {
        let (url, held) =
            Held::start(&["own"]).unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}"));
        Self { url, held }
    }

    /// Has it killed, started, paused, continued or restarted; one that starts accepts connections
    /// when this returns. It blocks.
    pub(crate) fn suffer(&mut self, fault: &str) {
        writeln!(self.held.input, "{fault}").expect("a holder");
        assert_eq!(self.held.answer().expect("an answer"), fault);
    }
}

impl Held {
    /// Starts one, with what it answers.
    fn start(arguments: &[&str]) -> Result<(String, Self), String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_test-postgres"));
        // The terminal's Ctrl-C is for the tests; the holder then cleans up after them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0200);
        let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let input = child.stdin.take().expect("it is a pipe");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut held = Self { input, output };
        let mut answer = held.answer().map_err(|error| error.to_string())?;
        if split(&answer).is_none() {
            held.output.read_to_string(&mut answer).map_err(|error| error.to_string())?;
            return Err(answer);
        }
        Ok((answer, held))
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }
}

/// Takes `postgresql://…?dbname=<prefix>template` apart at the prefix.
fn split(template_url: &str) -> Option<(String, String)> {
    let rest = template_url.strip_suffix("template")?;
    let (url, prefix) = rest.rsplit_once("dbname=")?;
    Some((format!("{url}dbname="), prefix.to_owned()))
}
