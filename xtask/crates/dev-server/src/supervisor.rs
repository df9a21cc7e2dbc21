//! The loop: what changed, what was built, who serves.

use std::{
    env, fs,
    path::PathBuf,
    sync::mpsc::{self, Receiver, Sender},
    time::Instant,
};

use anyhow::Context;

use crate::{
    build::Build,
    control::{self, Audience},
    event::Event,
    program::{Built, Program},
    question::Question,
    report,
    server::Listener,
    servers::Servers,
    source::Source,
    status::{Failure, Stage, State, Status},
};

pub(crate) struct Options {
    /// Where it keeps what it runs.
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
    audience: Audience,
    status: Status,
    build: Option<Build>,
    /// Why the last build is not served.
    failure: Option<Failure>,
    /// Whether the schema may have changed since it was last migrated.
    migrates: bool,
    changed: Instant,
    servers: Servers,
    /// What the last server that was started, and the migration tool, were copied from.
    api: Option<Program>,
    migrate: Option<Program>,
}

impl Supervisor {
    /// Takes the port, and watches the source in the current folder.
    pub(crate) fn start(options: Options) -> anyhow::Result<Self> {
        let root = env::current_dir()?;
        fs::create_dir_all(options.folder.join("new"))
            .with_context(|| format!("cannot make {}", options.folder.display()))?;
        let (events, inbox) = mpsc::channel();
        let stop = events.clone();
        // The loop has ended, and the process is about to.
        ctrlc::set_handler(move || _ = stop.send(Event::Stop))?;
        let listener = Listener::bind(&options.listen)?;
        control::open(&options.folder, events.clone())?;
        Ok(Self {
            servers: Servers::new(listener, options.folder.clone(), events.clone()),
            source: Source::watch(root, options.in_docker, events.clone()),
            audience: Audience::default(),
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

    /// Builds and serves until a signal comes.
    pub(crate) fn run(mut self) {
        self.build(vec![]);
        loop {
            let due =
                self.servers.due().map_or(self.source.due(), |due| due.min(self.source.due()));
            match self.inbox.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Event::Stop) => break,
                Ok(event) => self.take(event),
                // Something is due: this holds a sender itself.
                Err(_) => {}
            }
            self.keep_time();
        }
        report::note("stopping");
        self.build.iter().for_each(Build::cancel);
        self.servers.end();
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Changed => self.source.tell(),
            Event::Built(number, built) => {
                // Others were cancelled.
                if self.build.as_ref().is_some_and(|build| build.number == number) {
                    self.build = None;
                    match built {
                        Ok(built) => self.built(&built),
                        Err(failure) => self.fail(failure),
                    }
                }
            }
            Event::Written(programs) => self.source.learn(&programs),
            Event::Ready(number) if self.servers.ready(number) => self.serves(),
            Event::Ended(number, how) => {
                if let Some((reason, is_served)) = self.servers.ended(number, &how) {
                    self.ended(reason, is_served);
                }
            }
            Event::Asked(question, stream) => {
                if question == Question::Wait {
                    self.look();
                    self.try_again();
                }
                self.audience.add(question, stream, &self.status);
                self.publish();
            }
            Event::Ready(_) | Event::Stop => {}
        }
    }

    /// Does what is due.
    fn keep_time(&mut self) {
        if self.source.due() <= Instant::now() {
            self.look();
        }
        if let Err(error) = self.servers.keep_time() {
            self.fail(Failure::new(Stage::Start, format!("{error:#}")));
        }
    }

    /// Looks at the source, and builds it if it changed.
    fn look(&mut self) {
        let changes = self.source.look(self.failure.is_some());
        for name in changes.needs_up {
            if !self.status.needs_up.contains(&name) {
                report::bad(&format!("{name} changed: `cargo xtask up` takes notice of it"));
                self.status.needs_up.push(name);
                self.publish();
            }
        }
        self.migrates |= changes.of_schema;
        if !changes.inputs.is_empty() {
            self.build(changes.inputs);
        }
    }

    /// Gives a source that compiles another chance: what it failed of, the schema or a setting, may be mended.
    fn try_again(&mut self) {
        let compiles = |failure: &Failure| failure.stage != Stage::Build;
        if self.build.is_none() && self.failure.as_ref().is_some_and(compiles) {
            self.migrates = true;
            self.build(vec![]);
        }
    }

    /// Builds the newest source, in the place of a build that goes on.
    fn build(&mut self, changed: Vec<String>) {
        self.changed = Instant::now();
        if !changed.is_empty() {
            let more = changed.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            report::note(&format!("building: {}{more} changed", changed[0]));
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
        // For those who run it from here, and not from where cargo puts it.
        if self.migrate.as_ref() != Some(&built.migrate) {
            match self.servers.keep(&built.migrate, "migrate") {
                Ok(_) => self.migrate = Some(built.migrate.clone()),
                Err(error) => report::note(&format!("{error:#}")),
            }
        }
        if let Err(why) = &built.migrated {
            return self.fail(Failure::new(Stage::Migrate, why));
        }
        self.migrates = false;
        if self.servers.is_any() && self.api.as_ref() == Some(&built.api) {
            report::note("nothing to replace");
            self.settle();
            return;
        }
        self.api = Some(built.api.clone());
        match self.servers.replace(&built.api) {
            Ok(()) => self.publish(),
            Err(error) => self.fail(Failure::new(Stage::Start, format!("{error:#}"))),
        }
    }

    /// A new server has taken over.
    fn serves(&mut self) {
        if self.status.state == State::Building {
            let seconds = self.changed.elapsed().as_secs_f64();
            self.status.seconds = Some(seconds);
            report::good(&format!("live after {seconds:.2} s"));
        } else {
            report::good("serving again");
        }
        self.settle();
    }

    /// A server has ended by itself.
    fn ended(&mut self, reason: String, is_served: bool) {
        if is_served {
            return self.fail(Failure::new(Stage::Start, reason));
        }
        report::bad(&format!("{reason}; starting it again"));
        if self.build.is_none() {
            self.status.state = State::Crashed;
            self.status.failure = Some(Failure::new(Stage::Start, reason));
        }
        self.publish();
    }

    /// The newest source cannot be served; the last good build goes on, or comes back.
    fn fail(&mut self, failure: Failure) {
        let serving = if self.servers.fall_back() {
            "still serving the last good build"
        } else {
            "nothing is served"
        };
        report::bad(&format!("{:?} failed, {serving}", failure.stage).to_lowercase());
        // The compiler's words are in the log already.
        if failure.stage != Stage::Build {
            report::pass_on(&failure.message);
        }
        self.failure = Some(failure);
        self.settle();
    }

    /// Says what the last build came to.
    fn settle(&mut self) {
        self.status.state = if self.failure.is_some() { State::Failed } else { State::Live };
        self.status.failure.clone_from(&self.failure);
        self.publish();
    }

    fn publish(&mut self) {
        self.status.server = self.servers.serving();
        let is_settled = self.build.is_none() && !self.servers.is_starting();
        self.audience.tell(&self.status, is_settled);
    }
}
