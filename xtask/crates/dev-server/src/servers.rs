//! Manages the current server and the candidate that replaces it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use anyhow::Context;

use crate::{
    event::Event,
    program::Program,
    report,
    server::{Listener, Server},
};

/// The time within which a new server must accept connections.
const START_LIMIT: Duration = Duration::from_secs(30);
/// The time for requests in flight when the supervisor ends.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// The wait before a restart. Each crash doubles the wait, up to the limit.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_LIMIT: Duration = Duration::from_secs(10);

/// The name of a program whose server is still a candidate. The file name is `api`, because process lists show it.
const NEW: &str = "new/api";

pub(crate) struct Servers {
    listener: Listener,
    /// The folder with the copies of the programs that run.
    folder: PathBuf,
    events: Sender<Event>,
    current: Option<Server>,
    candidate: Option<Server>,
    /// The number of servers started so far.
    started: u32,
    restart: Option<(Instant, PathBuf)>,
    back_off: Duration,
}

impl Servers {
    pub(crate) fn new(listener: Listener, folder: PathBuf, events: Sender<Event>) -> Self {
        Self {
            listener,
            folder,
            events,
            current: None,
            candidate: None,
            started: 0,
            restart: None,
            back_off: BACK_OFF,
        }
    }

    /// Returns whether there is a current server or a candidate.
    pub(crate) fn has_server(&self) -> bool {
        self.current.is_some() || self.candidate.is_some()
    }

    /// Returns the process id of the current server.
    pub(crate) fn serving(&self) -> Option<u32> {
        self.current.as_ref().map(Server::process)
    }

    /// Returns whether there is a candidate.
    pub(crate) fn is_starting(&self) -> bool {
        self.candidate.is_some()
    }

    /// Returns the time at which [`Self::run_due`] must run.
    pub(crate) fn due(&self) -> Option<Instant> {
        let limit = self.candidate.as_ref().map(|server| server.started + START_LIMIT);
        let restart = self.restart.as_ref().map(|(due, _)| *due);
        limit.into_iter().chain(restart).min()
    }

    /// Starts a built server, which replaces the current server when it is ready.
    ///
    /// # Errors
    /// The program cannot be copied or started.
    pub(crate) fn replace(&mut self, built: &Program) -> anyhow::Result<()> {
        self.candidate.take().iter().for_each(|server| server.end(Duration::ZERO));
        let program = self.keep(built, NEW)?;
        self.start(&program)
    }

    /// Copies a program and its libraries to the folder from which it runs, because cargo can replace its files at any
    /// time. Returns the path of the copy.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn keep(&self, built: &Program, name: &str) -> anyhow::Result<PathBuf> {
        let (program, new) = (self.program(name), self.program("copy"));
        for library in &built.libraries {
            let place = program.with_file_name(library.file_name().expect("a file"));
            // The old file can be a hard link to cargo's file. Copying to the link would overwrite cargo's file.
            let _ = fs::remove_file(&place);
            // A hard link is enough, because cargo replaces the file instead of writing to it.
            fs::hard_link(library, &place)
                .or_else(|_| fs::copy(library, &place).map(drop))
                .with_context(|| cannot_copy(library, &place))?;
        }
        // The file is copied and then renamed, because an old server may still run the old file.
        fs::copy(&built.path, &new)
            .and_then(|_| fs::rename(&new, &program))
            .with_context(|| cannot_copy(&built.path, &program))?;
        Ok(program)
    }

    /// Moves the program and its libraries to the place of the last good build.
    fn keep_as_good(&self, program: &Path) -> io::Result<()> {
        let folder = program.parent().expect("the program is in a folder");
        fs::read_dir(folder)?.try_for_each(|file| {
            let file = file?;
            fs::rename(file.path(), self.folder.join(file.file_name()))
        })
    }

    /// Schedules a start of the last good build if there is no server. Returns whether a server runs or is scheduled.
    pub(crate) fn fall_back(&mut self) -> bool {
        let last_good = self.program("api");
        if !self.has_server() && self.restart.is_none() && last_good.exists() {
            self.restart = Some((Instant::now(), last_good));
        }
        self.has_server() || self.restart.is_some()
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    fn start(&mut self, program: &Path) -> anyhow::Result<()> {
        self.restart = None;
        if !Listener::IS_SHARED {
            self.current.take().iter().for_each(|server| server.end(STOP_LIMIT));
        }
        self.started += 1;
        let (listener, events) = (&self.listener, self.events.clone());
        self.candidate =
            Some(Server::start(self.started, program, listener, &self.folder, events)?);
        Ok(())
    }

    /// Replaces the current server by the candidate, which is ready. Returns false if `number` is not the candidate.
    pub(crate) fn ready(&mut self, number: u32) -> bool {
        let Some(server) = self.candidate.take_if(|server| server.number == number) else {
            return false;
        };
        if server.program == self.program(NEW)
            && let Err(error) = self.keep_as_good(&server.program)
        {
            report::note(&format!("cannot store the new build as the last good build: {error}"));
        }
        if let Some(old) = self.current.replace(server) {
            old.stop();
        }
        true
    }

    /// Handles the exit of a server. If the exit was unexpected, returns the reason and whether another server exists.
    pub(crate) fn ended(&mut self, number: u32, how: &str) -> Option<(String, bool)> {
        if self.candidate.take_if(|server| server.number == number).is_some() {
            let reason = format!("the new server ended before it was ready: {how}");
            if self.current.is_none() {
                let new = self.program(NEW);
                self.start_again(if new.exists() { new } else { self.program("api") });
            }
            return Some((reason, self.current.is_some()));
        }
        let server = self.current.take_if(|server| server.number == number)?;
        if server.started.elapsed() > BACK_OFF_LIMIT {
            self.back_off = BACK_OFF;
        }
        self.start_again(self.program("api"));
        Some((format!("the server ended: {how}"), self.candidate.is_some()))
    }

    fn start_again(&mut self, program: PathBuf) {
        if self.candidate.is_none() {
            self.restart = Some((Instant::now() + self.back_off, program));
            self.back_off = (self.back_off * 2).min(BACK_OFF_LIMIT);
        }
    }

    /// Performs a scheduled restart, and ends a candidate that exceeds [`START_LIMIT`].
    ///
    /// # Errors
    /// The new server cannot be started or is not ready in time.
    pub(crate) fn run_due(&mut self) -> anyhow::Result<()> {
        if let Some((_, program)) = self.restart.take_if(|(due, _)| *due <= Instant::now()) {
            self.start(&program)?;
        }
        if let Some(slow) = self.candidate.take_if(|server| server.started.elapsed() > START_LIMIT)
        {
            slow.end(Duration::ZERO);
            anyhow::bail!("the new server is not ready after {START_LIMIT:?}");
        }
        Ok(())
    }

    /// Ends all servers.
    pub(crate) fn end(&self) {
        self.candidate.iter().chain(&self.current).for_each(|server| server.end(STOP_LIMIT));
    }
}

fn cannot_copy(from: &Path, to: &Path) -> String {
    format!("cannot copy {} to {}", from.display(), to.display())
}
