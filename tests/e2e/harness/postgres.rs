//! The PostgreSQL server of this test run, and servers of single tests. The process `test-postgres` runs each.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The server, and a pipe to its process. The process ends when the pipe closes.
pub(crate) struct Postgres {
    /// The URL of the server, without the name of a database.
    url: String,
    /// The prefix of this run's database names.
    prefix: String,
    holder: Mutex<ChildStdin>,
}

/// A server for a single test. Dropping this stops the server.
pub(crate) struct OwnPostgres {
    /// The URL of its database, which has all migrations.
    pub(crate) url: String,
    held: Held,
}

/// A process that runs a server until its input ends.
struct Held {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

static POSTGRES: OnceLock<Result<Postgres, String>> = OnceLock::new();
static TAKEN: AtomicUsize = AtomicUsize::new(0);

impl Postgres {
    /// Returns the server. The first call starts it.
    pub(crate) fn get() -> &'static Self {
        let started = POSTGRES.get_or_init(Self::start);
        started.as_ref().unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}"))
    }

    fn start() -> Result<Self, String> {
        let (url, held) = Held::start(&[])?;
        let Some((url, prefix)) = split(&url) else { return Err(url) };
        Ok(Self { url, prefix, holder: Mutex::new(held.input) })
    }

    /// Returns a prefix for the names of a test's databases that no other test has.
    pub(crate) fn take_prefix(&self) -> String {
        format!("{}{}_", self.prefix, TAKEN.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the name of the database with all migrations.
    pub(crate) fn template(&self) -> String {
        format!("{}template", self.prefix)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}{database}", self.url)
    }

    /// Asks the process to drop the databases with this prefix soon.
    pub(crate) fn drop_all(&self, prefix: &str) {
        let mut holder = self.holder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Errors are ignored, because the process drops all databases when it ends.
        let _ = writeln!(holder, "{prefix}");
    }
}

impl OwnPostgres {
    pub(crate) fn start() -> Self {
        let (url, held) =
            Held::start(&["own"]).unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}"));
        Self { url, held }
    }

    /// Kills, starts, pauses, continues or restarts the server. Blocks until a started server accepts connections.
    pub(crate) fn apply_fault(&mut self, fault: &str) {
        writeln!(self.held.input, "{fault}").expect("a holder");
        assert_eq!(self.held.reply().expect("a reply"), fault);
    }
}

impl Held {
    /// Starts a process, and returns it with its first line.
    fn start(arguments: &[&str]) -> Result<(String, Self), String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_test-postgres"));
        // The process has its own group, so Ctrl-C ends only the tests. The process cleans up afterwards.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0200);
        let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut held = Self { input, output };
        let mut reply = held.reply().map_err(|error| error.to_string())?;
        if split(&reply).is_none() {
            held.output.read_to_string(&mut reply).map_err(|error| error.to_string())?;
            return Err(reply);
        }
        Ok((reply, held))
    }

    fn reply(&mut self) -> io::Result<String> {
        let mut reply = String::new();
        self.output.read_line(&mut reply)?;
        Ok(reply.trim_end().to_owned())
    }
}

/// Splits `postgresql://…?dbname=<prefix>template` before the prefix.
fn split(template_url: &str) -> Option<(String, String)> {
    let rest = template_url.strip_suffix("template")?;
    let (url, prefix) = rest.rsplit_once("dbname=")?;
    Some((format!("{url}dbname="), prefix.to_owned()))
}
