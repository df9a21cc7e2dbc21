//! `cargo xtask db upgrade`: moves the data to a newer major version of PostgreSQL.

mod deployed;

use std::process::ExitCode;

use anyhow::{anyhow, bail, ensure};

use crate::commands::up;
use context::{confirm::confirm_loss, lock, project::Project, report, state::State};
use deploy::ProductionArgs;
use dumps::{LockedContents, Tools};
use engine::{
    Engine,
    upgrade::{self, ClusterLocation, Server},
};

/// Move the data to a newer major version of PostgreSQL; the old data is kept until --confirm
///
/// Copies all roles and databases to a server of the new version and compares all rows. Then changes .env and
/// starts the stack on the new server. The API is down during the upgrade. If the upgrade fails or is killed,
/// run `cargo xtask up` to start the stack with the old data. A deployed stack gets the PostgreSQL of .env.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The new version: a major version, an image (Docker) or a folder of programs (local) [default for local: the
    /// newest installed version]
    #[arg(long)]
    to: Option<String>,
    /// Remove the data that the stack no longer uses
    #[arg(long, conflicts_with_all = ["back", "to"])]
    confirm: bool,
    /// Switch back to the data of the other version, without the changes since the upgrade; no data is removed
    #[arg(long, conflicts_with = "to")]
    back: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    stack: ProductionArgs,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        if let Some(server) = engine::deployed_server(project, &settings, &self.stack)? {
            return self.run_deployed(project, &server);
        }
        let production = {
            let _lock = lock::take(project)?;
            match upgrade::other(project)? {
                Some((engine, other)) if self.confirm => {
                    let place = other.place(engine);
                    let question = format!("This removes {place} and all data in it.");
                    let production = State::load(project).is_some_and(|state| state.production);
                    confirm_loss(&question, production, self.stack.is_selected(), self.yes)?;
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
                    "an upgrade is pending. Pass --confirm to remove {}, or --back to switch back",
                    other.place(engine)
                ),
                None if self.confirm || self.back => {
                    bail!("no upgrade is pending. Run `cargo xtask db upgrade` first.")
                }
                None => move_data(project, self.to.as_deref())?,
            }
        };
        // The lock is released here, because `up` takes the same lock.
        up::Args::again(production).run(project)
    }
}

/// Moves the data and returns whether the stack runs in the production profile.
fn move_data(project: &Project, to: Option<&str>) -> anyhow::Result<bool> {
    let (mut engine, state) = engine::current(project)?;
    upgrade::check(state.engine)?;
    engine.start_database()?;
    let old = dumps::major(&|name| engine.postgres_program(name), "pg_dump")?;
    let old = upgrade::current(project, state.engine, old)?;
    let new = upgrade::next(project, state.engine, to)?;
    ensure!(
        new.major > old.major,
        "the data is from PostgreSQL {}, and {} is not newer. Pass a newer version with --to.",
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
        return Err(
            error.context("the old data is unchanged (run `cargo xtask up` to start the stack)")
        );
    }
    report::note(&format!(
        "the old data is kept in {}. Run `cargo xtask db upgrade --confirm` to remove it, or --back to switch back.",
        old.place(state.engine)
    ));
    upgrade::remember(project, state.engine, [old, new.clone()])?;
    new.choose(project)?;
    State::remove(project)?;
    Ok(state.production)
}

/// Copies the data and stops both servers. The old server is locked until it stops, so no change is lost.
fn copy(
    project: &Project,
    engine: &mut dyn Engine,
    state: &State,
    new: &ClusterLocation,
) -> anyhow::Result<()> {
    let user = project.settings()?.user;
    let server = upgrade::start_new(project, state.engine, new)?;
    let locks = copy_to(&*server, &|name| engine.postgres_program(name), &user)?;
    drop(server);
    engine.stop(false)?;
    drop(locks);
    Ok(())
}

/// Copies the data to the new server. The returned locks prevent changes on the old server until they are dropped.
fn copy_to(new: &dyn Server, from: Tools, user: &str) -> anyhow::Result<Vec<LockedContents>> {
    let locks = dumps::copy_server(from, &|name| new.program(name), user);
    // Adds the log of the new server, because only the log contains the reason for a crash, such as a full disk.
    locks.map_err(|error| {
        let log = new.log();
        new.discard();
        let is_fatal = |line: &&str| ["FATAL", "PANIC"].iter().any(|level| line.contains(level));
        match log.lines().rfind(is_fatal) {
            Some(line) => anyhow!("{error:#}\nthe new server's log: {line}"),
            None => error,
        }
    })
}
