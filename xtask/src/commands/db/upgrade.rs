//! `cargo xtask db upgrade`: the data moves to the next major version of PostgreSQL.

use std::process::ExitCode;

use anyhow::{anyhow, bail, ensure};

use crate::commands::up;
use context::{confirm::confirm, lock, project::Project, report, state::State};
use engine::{
    Engine,
    upgrade::{self, ClusterLocation},
};

/// Move the data to the next major version of PostgreSQL; the old data is kept until --confirm
///
/// A server of the new version gets a copy of all roles and databases, which is compared row for row
/// with the old one; then `.env` names the new one, and the stack starts on it. The API is down
/// meanwhile. If anything fails or is killed, the stack still has the old data: `cargo xtask up`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A major version, or an image (Docker), or the folder of its programs (local); the local engine takes the newest
    /// without it
    #[arg(long)]
    to: Option<String>,
    /// Remove the data that the stack does not use any more
    #[arg(long, conflicts_with_all = ["back", "to"])]
    confirm: bool,
    /// Start the stack on the other data; what was written since is not in it, and is kept
    #[arg(long, conflicts_with = "to")]
    back: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let production = {
            let _lock = lock::take(project)?;
            match upgrade::other(project)? {
                Some((engine, other)) if self.confirm => {
                    let place = other.place(engine);
                    confirm(&format!("This removes {place} with all that is in it."), self.yes)?;
                    upgrade::remove(project, engine, &other)?;
                    upgrade::forget(project)?;
                    report::line(&format!("removed {place}"));
                    return Ok(ExitCode::SUCCESS);
                }
                Some((_, other)) if self.back => {
                    let (mut engine, state) = engine::current(project)?;
                    engine.stop(false)?;
                    other.choose(project)?;
                    State::remove(project)?;
                    state.production
                }
                Some((engine, other)) => bail!(
                    "an upgrade waits for `--confirm`, which removes {}, or for `--back`",
                    other.place(engine)
                ),
                None if self.confirm || self.back => bail!("no upgrade waits for that"),
                None => move_data(project, self.to.as_deref())?,
            }
        };
        // With the lock that it takes itself.
        up::Args::again(production).run(project)
    }
}

/// Returns whether the stack runs in the production profile.
fn move_data(project: &Project, to: Option<&str>) -> anyhow::Result<bool> {
    let (mut engine, state) = engine::current(project)?;
    engine.start_database()?;
    let old = dumps::major(&|name| engine.postgres_program(name), "pg_dump")?;
    let old = upgrade::current(project, state.engine, old)?;
    let new = upgrade::next(project, state.engine, to)?;
    ensure!(
        new.major > old.major,
        "the data is of PostgreSQL {}, and {} is no newer one: name one with --to",
        old.major,
        new.major
    );
    state.save(project)?;
    engine.stop_api()?;
    let moved = report::stage("copy", || {
        copy(project, &mut *engine, &state, &new)?;
        Ok(((), format!("PostgreSQL {} to {}, compared row for row", old.major, new.major)))
    });
    if let Err(error) = moved {
        upgrade::remove(project, state.engine, &new)?;
        return Err(error.context("the data is where it was: `cargo xtask up`"));
    }
    report::note(&format!(
        "the old data stays in {}: `cargo xtask db upgrade --confirm` removes it, --back returns to it",
        old.place(state.engine)
    ));
    upgrade::remember(project, state.engine, [old, new.clone()])?;
    new.choose(project)?;
    State::remove(project)?;
    Ok(state.production)
}

/// Ends with both servers stopped: what was not the same until then would have been noticed.
fn copy(
    project: &Project,
    engine: &mut dyn Engine,
    state: &State,
    new: &ClusterLocation,
) -> anyhow::Result<()> {
    let user = project.settings()?.user;
    let server = upgrade::start_new(project, state.engine, new)?;
    let from = |name: &str| engine.postgres_program(name);
    let held = dumps::copy_server(&from, &|name| server.program(name), &user);
    // A server that has crashed, of a full disk for one, says why in its log alone.
    let held = held.map_err(|error| {
        let log = server.log();
        server.discard();
        let is_end = |line: &&str| ["FATAL", "PANIC"].iter().any(|sign| line.contains(sign));
        match log.lines().rfind(is_end) {
            Some(line) => anyhow!("{error:#}\nthe new server's log: {line}"),
            None => error,
        }
    })?;
    drop(server);
    engine.stop(false)?;
    drop(held);
    Ok(())
}
