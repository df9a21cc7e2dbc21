//! The main loop, which connects changes, builds and servers.

use std::{
    env, fs,
    path::PathBuf,
    sync::mpsc::{self, Receiver, Sender},
    time::Instant,
};

use anyhow::Context;

use crate::{
    build::Build,
    control::{self, Subscribers},
    event::Event,
    loopback,
    program::{Built, Program},
    report,
    request::Request,
    server::Listener,
    servers::Servers,
    source::Source,
    status::{Failure, Stage, State, Status},
};

pub(crate) struct Options {
    /// The folder for the running programs.
    pub(crate) folder: PathBuf,
    pub(crate) listen: String,
    pub(crate) in_docker: bool,
    /// The command that builds `api` and `migrate`.
    pub(crate) build: Vec<String>,
}

pub(crate) struct Supervisor {
    options: Options,
    inbox: Receiver<Event>,
    events: Sender<Event>,
    source: Source,
    subscribers: Subscribers,
    status: Status,
    build: Option<Build>,
    /// The reason why the last build is not served.
    failure: Option<Failure>,
    /// True if migrations may have changed since they were last applied.
    migrates: bool,
    changed: Instant,
    servers: Servers,
    /// The builds from which the newest server and the migration tool were copied.
    api: Option<Program>,
    migrate: Option<Program>,
}

impl Supervisor {
    /// Binds the port, and starts to watch the source in the current folder.
    pub(crate) fn start(options: Options) -> anyhow::Result<Self> {
        let root = env::current_dir()?;
        fs::create_dir_all(options.folder.join("new"))
            .with_context(|| format!("cannot create {}", options.folder.display()))?;
        let (events, inbox) = mpsc::channel();
        let stop = events.clone();
        // Errors are ignored. They occur only if the supervisor has ended.
        ctrlc::set_handler(move || _ = stop.send(Event::Stop))?;
        let listener = Listener::bind(&options.listen)?;
        loopback::forward(&options.listen);
        control::open(&options.folder, events.clone())?;
        Ok(Self {
            servers: Servers::new(listener, options.folder.clone(), events.clone()),
            source: Source::watch(root, options.in_docker, events.clone()),
            subscribers: Subscribers::default(),
            status: Status {
                state: State::Building,
                build: 0,
                changed: vec![],
                seconds: None,
                failure: None,
                server: None,
                needs_up: vec![],
            },
            build: None,
            failure: None,
            migrates: false,
            changed: Instant::now(),
            api: None,
            migrate: None,
            options,
            inbox,
            events,
        })
    }

    /// Builds and serves until the process receives a signal.
    pub(crate) fn run(mut self) {
        self.build(vec![]);
        loop {
            let due =
                self.servers.due().map_or(self.source.due(), |due| due.min(self.source.due()));
            match self.inbox.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Event::Stop) => break,
                Ok(event) => self.handle(event),
                // The error is always a timeout, because `self` owns a sender.
                Err(_) => {}
            }
            self.run_due();
        }
        report::note("stopping");
        self.build.iter().for_each(Build::cancel);
        self.servers.end();
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Changed => self.source.file_changed(),
            Event::Built(number, built) => {
                // A build with another number was cancelled, so its result is ignored.
                if self.build.as_ref().is_some_and(|build| build.number == number) {
                    self.build = None;
                    match built {
                        Ok(built) => self.built(&built),
                        Err(failure) => self.fail(failure),
                    }
                }
            }
            Event::Written(programs) => self.source.read_inputs(&programs),
            Event::Ready(number) if self.servers.ready(number) => self.took_over(),
            Event::Ended(number, how) => {
                if let Some((reason, is_served)) = self.servers.ended(number, &how) {
                    self.ended(reason, is_served);
                }
            }
            Event::Requested(request, stream) => {
                if request == Request::Wait {
                    self.scan();
                    self.retry();
                }
                self.subscribers.add(request, stream, &self.status);
                self.publish();
            }
            Event::Ready(_) | Event::Stop => {}
        }
    }

    /// Performs scans and restarts that are due.
    fn run_due(&mut self) {
        if self.source.due() <= Instant::now() {
            self.scan();
        }
        if let Err(error) = self.servers.run_due() {
            self.fail(Failure::new(Stage::Start, format!("{error:#}")));
        }
    }

    /// Scans the source, and starts a build if it changed.
    fn scan(&mut self) {
        let changes = self.source.scan(self.failure.is_some());
        for name in changes.needs_up {
            if !self.status.needs_up.contains(&name) {
                report::bad(&format!("{name} changed. Run `cargo xtask up` to apply the change."));
                self.status.needs_up.push(name);
                self.publish();
            }
        }
        self.migrates |= changes.has_sql;
        if !changes.inputs.is_empty() {
            self.build(changes.inputs);
        }
    }

    /// Retries a source that compiles, because the schema or a setting may have been fixed.
    fn retry(&mut self) {
        let compiles = |failure: &Failure| failure.stage != Stage::Build;
        if self.build.is_none() && self.failure.as_ref().is_some_and(compiles) {
            self.migrates = true;
            self.build(vec![]);
        }
    }

    /// Builds the newest source. Cancels a running build.
    fn build(&mut self, changed: Vec<String>) {
        self.changed = Instant::now();
        if !changed.is_empty() {
            let more = changed.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            report::note(&format!("building, because {}{more} changed", changed[0]));
        }
        if let Some(build) = self.build.take() {
            build.cancel();
            self.status.changed.extend(changed);
        } else {
            self.status.changed = changed;
        }
        self.status.changed.dedup();
        self.status = Status {
            state: State::Building,
            build: self.status.build + 1,
            seconds: None,
            failure: None,
            ..self.status.clone()
        };
        let (command, events) = (&self.options.build, self.events.clone());
        match Build::start(self.status.build, command, self.migrates, events) {
            Ok(build) => self.build = Some(build),
            Err(error) => self.fail(Failure::new(Stage::Start, format!("{error:#}"))),
        }
        self.publish();
    }

    fn built(&mut self, built: &Built) {
        self.failure = None;
        // Copies the migration tool to the place from which `cargo xtask` runs it.
        if self.migrate.as_ref() != Some(&built.migrate) {
            match self.servers.keep(&built.migrate, "migrate") {
                Ok(_) => self.migrate = Some(built.migrate.clone()),
                Err(error) => report::note(&format!("{error:#}")),
            }
        }
        if let Err(error) = &built.migrated {
            return self.fail(Failure::new(Stage::Migrate, error));
        }
        self.migrates = false;
        if self.servers.has_server() && self.api.as_ref() == Some(&built.api) {
            report::note("the server has not changed");
            self.settle();
            return;
        }
        self.api = Some(built.api.clone());
        match self.servers.replace(&built.api) {
            Ok(()) => self.publish(),
            Err(error) => self.fail(Failure::new(Stage::Start, format!("{error:#}"))),
        }
    }

    /// Updates the status after a new server has replaced the old server.
    fn took_over(&mut self) {
        if self.status.state == State::Building {
            let seconds = self.changed.elapsed().as_secs_f64();
            self.status.seconds = Some(seconds);
            report::good(&format!("the new build is live after {seconds:.2} s"));
        } else {
            report::good("the server is running again");
        }
        self.settle();
    }

    /// Handles the unexpected exit of a server.
    fn ended(&mut self, reason: String, is_served: bool) {
        if is_served {
            return self.fail(Failure::new(Stage::Start, reason));
        }
        report::bad(&format!("{reason}. Restarting the server."));
        if self.build.is_none() {
            self.status.state = State::Crashed;
            self.status.failure = Some(Failure::new(Stage::Start, reason));
        }
        self.publish();
    }

    /// Publishes a failure of the newest source. The last good build keeps serving or is started again.
    fn fail(&mut self, failure: Failure) {
        let serving = if self.servers.fall_back() {
            "still serving the last good build"
        } else {
            "no server is running"
        };
        report::bad(&format!("{:?} failed, {serving}", failure.stage).to_lowercase());
        // A failed build is not reported again, because the compiler has already written its errors to the log.
        if failure.stage != Stage::Build {
            report::pass_on(&failure.message);
        }
        self.failure = Some(failure);
        self.settle();
    }

    /// Publishes the result of the last build.
    fn settle(&mut self) {
        self.status.state = if self.failure.is_some() { State::Failed } else { State::Live };
        self.status.failure.clone_from(&self.failure);
        self.publish();
    }

    fn publish(&mut self) {
        self.status.server = self.servers.serving();
        let is_settled = self.build.is_none() && !self.servers.is_starting();
        self.subscribers.publish(&self.status, is_settled);
    }
}
