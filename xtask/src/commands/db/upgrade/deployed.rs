//! Upgrades a deployed stack: moves its data to the PostgreSQL that `.env` selects.

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};

use super::Args;
use crate::commands::deploy as deploy_command;
use context::{confirm::confirm_loss, process, project::Project, report};
use deploy::{
    Server,
    database_volume::{self, Current},
    history::{Entry, History},
    image::{self, Images},
    rolling_update::{self, Serving},
    schema, transfer,
};
use dumps::LockedContents;
use engine::{postgres::container_program, upgrade};

impl Args {
    pub(super) fn run_deployed(
        self,
        project: &Project,
        server: &Server,
    ) -> anyhow::Result<ExitCode> {
        ensure!(
            !schema::is_elsewhere(server),
            "someone else runs the database in DATABASE_URL. Upgrade it with the tools of that server."
        );
        ensure!(
            self.to.is_none(),
            "--to is only for the stack of this checkout. A deployed stack gets the PostgreSQL of .env."
        );
        let current = database_volume::current(server)?
            .context("PostgreSQL is not running. Run `cargo xtask deploy`.")?;
        if self.confirm {
            return remove_other_volumes(server, &current, self.yes);
        }
        let (place, volume) = (server.place(), database_volume::selected(server));
        ensure!(
            volume != current.volume,
            "PostgreSQL on {place} already uses the volume {volume} of .env. Set POSTGRES_IMAGE in .env to the new \
             version, and POSTGRES_VOLUME to a new name such as {}_postgres-18.",
            server.name()
        );
        let serving = rolling_update::serving(server, project).with_context(|| {
            format!(
                "the API does not run, maybe because an upgrade was interrupted. Set POSTGRES_IMAGE={} and \
                 POSTGRES_VOLUME={} in .env, run `cargo xtask deploy`, and then upgrade again",
                current.image, current.volume
            )
        });
        let Serving { tag, images, number, .. } = serving?;
        let platform = server.platform()?;
        image::build_around(project, server.settings, &images, platform)?;
        transfer::send(server, &images.postgres, platform)?;
        let exists = volumes(server)?.contains(&volume);
        let what = if self.back {
            ensure!(exists, "the volume {volume} of .env does not exist on {place}");
            format!(
                "returns to the data in the volume {volume}, without the changes since the upgrade"
            )
        } else {
            let major = |image: &str| database_volume::major(server.docker::<&str>([]), image);
            let (from, to) = (major(&current.image)?, major(&images.postgres)?);
            ensure!(
                to > from,
                "the data on {place} is from PostgreSQL {from}, and {to} in .env is not newer"
            );
            let replaces = if exists { ", whose data is removed" } else { "" };
            format!(
                "copies all data from PostgreSQL {from} to {to} into the volume {volume}{replaces}"
            )
        };
        let question = format!("This stops the API on {place} and {what}.");
        confirm_loss(&question, true, true, self.yes)?;

        let mut history =
            History::open(server, &images.proxy, &Entry::new(project, "db upgrade", &tag))?;
        history.write("started")?;
        let moved = move_data(server, &current, &images, self.back);
        history.end(&moved)?;
        drop(history);
        moved?;
        report::note(&format!(
            "the other data is kept in the volume {} on {place}. Add --confirm to remove it. To return to it, set \
             POSTGRES_IMAGE and POSTGRES_VOLUME in .env to their old values and add --back.",
            current.volume
        ));
        deploy_command::Args::of_release(tag, number, self.stack.into_host()).run(project)
    }
}

/// Stops the API, copies the data unless `keeps` is set, and removes the old container. If the copy fails, the API
/// starts again with the old data.
fn move_data(
    server: &Server,
    current: &Current,
    images: &Images,
    keeps: bool,
) -> anyhow::Result<()> {
    let replicas = server.containers("api", &["running"])?;
    let with_replicas = |action: &str| process::output(server.docker([action]).args(&replicas));
    report::stage("stop", || {
        with_replicas("stop")?;
        Ok(((), format!("{} replicas of the API", replicas.len())))
    })?;
    let copied = if keeps { Ok(Vec::new()) } else { copy(server, current, images) };
    let locks = match copied {
        Ok(locks) => locks,
        Err(error) => {
            with_replicas("start")?;
            upgrade::remove_deployed(server, &database_volume::selected(server))?;
            return Err(error.context("the API serves the old data again, which is unchanged"));
        }
    };
    for action in ["stop", "rm"] {
        process::output(&mut server.docker([action, &current.container]))?;
    }
    drop(locks);
    Ok(())
}

/// Copies all data. The returned locks prevent changes of the old data until the old server has stopped.
fn copy(
    server: &Server,
    current: &Current,
    images: &Images,
) -> anyhow::Result<Vec<LockedContents>> {
    report::stage("copy", || {
        let user = &server.settings.user;
        let from = |name: &str| {
            container_program(server.docker::<&str>([]), &current.container, user, name)
        };
        let new = upgrade::start_new_deployed(server, images)?;
        Ok((super::copy_to(&*new, &from, user)?, "all rows, compared row by row".to_owned()))
    })
}

/// Removes the volumes of PostgreSQL that the stack does not use.
fn remove_other_volumes(server: &Server, current: &Current, yes: bool) -> anyhow::Result<ExitCode> {
    let mut others = volumes(server)?;
    others.retain(|volume| *volume != current.volume);
    if others.is_empty() {
        bail!(
            "no upgrade is pending, because {} uses its only volume of PostgreSQL",
            server.place()
        );
    }
    let (names, place) = (others.join(" and "), server.place());
    let question = format!("This removes {names} on {place} and all data there.");
    confirm_loss(&question, true, true, yes)?;
    for volume in &others {
        upgrade::remove_deployed(server, volume)?;
    }
    report::line(&format!("removed {names}"));
    Ok(ExitCode::SUCCESS)
}

/// Returns the names of all volumes of PostgreSQL that the stack has had.
fn volumes(server: &Server) -> anyhow::Result<Vec<String>> {
    let label = |name, value| format!("--filter=label=com.docker.compose.{name}={value}");
    let filters = [label("project", server.name()), label("volume", "postgres")];
    let output = process::output(server.docker(["volume", "ls", "--quiet"]).args(filters))?;
    Ok(output.lines().map(str::to_owned).collect())
}
