//! Who serves, and who will when it is ready.

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

/// How long a new server may take until it takes connections.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long requests in flight may take when everything ends.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// From crash to crash the wait before the next start doubles, up to the limit.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_LIMIT: Duration = Duration::from_secs(10);

/// Where a server is that has not taken over yet, with what it loads. Its name is the same: process lists show it.
const NEW: &str = "new/api";

pub(crate) struct Servers {
    listener: Listener,
    /// Where the programs that run are kept.
    folder: PathBuf,
    events: Sender<Event>,
    current: Option<Server>,
    candidate: Option<Server>,
    /// Counts the servers.
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

    /// Whether somebody serves, or is about to.
    pub(crate) fn is_any(&self) -> bool {
        self.current.is_some() || self.candidate.is_some()
    }

    /// The process that serves.
    pub(crate) fn serving(&self) -> Option<u32> {
        self.current.as_ref().map(Server::process)
    }

    /// Whether somebody is about to serve.
    pub(crate) fn is_starting(&self) -> bool {
        self.candidate.is_some()
    }

    /// When [`Self::keep_time`] has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        let limit = self.candidate.as_ref().map(|server| server.started + START_LIMIT);
        let restart = self.restart.as_ref().map(|(due, _)| *due);
        limit.into_iter().chain(restart).min()
    }

    /// Starts a server that was built, which takes over when it is ready.
    ///
    /// # Errors
    /// It cannot be copied or started.
    pub(crate) fn replace(&mut self, built: &Program) -> anyhow::Result<()> {
        self.candidate.take().iter().for_each(|server| server.end(Duration::ZERO));
        let program = self.keep(built, NEW)?;
        self.start(&program)
    }

    /// Copies a program to where it runs, with what it loads: cargo replaces its own files at any time.
    ///
    /// # Errors
    /// The disk is full, or something like that.
    pub(crate) fn keep(&self, built: &Program, name: &str) -> anyhow::Result<PathBuf> {
        let (program, new) = (self.program(name), self.program("copy"));
        for library in &built.libraries {
            let place = program.with_file_name(library.file_name().expect("a file"));
            // It may be cargo's own file, which a copy would write into.
            let _ = fs::remove_file(&place);
            // Large; and cargo makes a new file rather than writing into this one.
            fs::hard_link(library, &place)
                .or_else(|_| fs::copy(library, &place).map(drop))
                .with_context(|| cannot_copy(library, &place))?;
        }
        // The new one takes the place of the old, which may run and goes on.
        fs::copy(&built.path, &new)
            .and_then(|_| fs::rename(&new, &program))
            .with_context(|| cannot_copy(&built.path, &program))?;
        Ok(program)
    }

    /// Has a server that serves, and what it loads, take the place of the last that was good.
    fn keep_as_good(&self, program: &Path) -> io::Result<()> {
        let folder = program.parent().expect("it is in a folder");
        fs::read_dir(folder)?.try_for_each(|file| {
            let file = file?;
            fs::rename(file.path(), self.folder.join(file.file_name()))
        })
    }

    /// Whether somebody serves, if need be the last server that was good, which is started then.
    pub(crate) fn fall_back(&mut self) -> bool {
        let last_good = self.program("api");
        if !self.is_any() && self.restart.is_none() && last_good.exists() {
            self.restart = Some((Instant::now(), last_good));
        }
        self.is_any() || self.restart.is_some()
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

    /// The server of this number takes connections: the old one may go. Whether it is still wanted.
    pub(crate) fn ready(&mut self, number: u32) -> bool {
        let Some(server) = self.candidate.take_if(|server| server.number == number) else {
            return false;
        };
        if server.program == self.program(NEW)
            && let Err(error) = self.keep_as_good(&server.program)
        {
            report::note(&format!("cannot keep the server that serves now: {error}"));
        }
        if let Some(old) = self.current.replace(server) {
            old.stop();
        }
        true
    }

    /// The server of this number has ended. If nobody asked it to: why, and whether another one serves.
    pub(crate) fn ended(&mut self, number: u32, how: &str) -> Option<(String, bool)> {
        if self.candidate.take_if(|server| server.number == number).is_some() {
            let reason = format!("the new server ended before it took connections: {how}");
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

    /// Does what is due.
    ///
    /// # Errors
    /// A new server does not come up.
    pub(crate) fn keep_time(&mut self) -> anyhow::Result<()> {
        if let Some((_, program)) = self.restart.take_if(|(due, _)| *due <= Instant::now()) {
            self.start(&program)?;
        }
        if let Some(slow) = self.candidate.take_if(|server| server.started.elapsed() > START_LIMIT)
        {
            slow.end(Duration::ZERO);
            anyhow::bail!("the new server takes no connections after {START_LIMIT:?}");
        }
        Ok(())
    }

    /// Ends them all.
    pub(crate) fn end(&self) {
        self.candidate.iter().chain(&self.current).for_each(|server| server.end(STOP_LIMIT));
    }
}

fn cannot_copy(from: &Path, to: &Path) -> String {
    format!("cannot copy {} to {}", from.display(), to.display())
}
