//! `cargo xtask db restore`: restores the production database to a point in time.

use std::process::ExitCode;

use anyhow::{bail, ensure};

use context::{confirm::confirm_loss, project::Project, report};
use deploy::{
    ProductionArgs, archive,
    history::{Entry, History},
    rolling_update::{self, Serving},
    schema,
};

/// Restore the production database to a point in time; the replaced data is kept until --confirm
///
/// Needs BACKUP_CONTINUOUS=true before this time. Restores the database into another folder, and then restarts
/// PostgreSQL with this folder. If a step before the restart fails, nothing is changed.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("action").required(true))]
pub(crate) struct Args {
    /// The time in UTC, such as 2026-11-30T17:00, or with an offset, such as 2026-11-30T17:00:30+01:00
    #[arg(long, value_name = "TIME", group = "action")]
    to: Option<String>,
    /// Return to the data that the last restore has replaced; no data is removed
    #[arg(long, group = "action")]
    back: bool,
    /// Remove the data that restores have replaced
    #[arg(long, group = "action")]
    confirm: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    stack: ProductionArgs,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let Some(server) = self.stack.server(project, &settings)? else {
            bail!(
                "only the production stack has an archive. Pass --production or --host. In development, use \
                 `cargo xtask db snapshot restore`."
            );
        };
        ensure!(
            !schema::is_elsewhere(&server),
            "someone else runs the database in DATABASE_URL. Restore it with the tools of that server."
        );
        ensure!(
            settings.archives,
            "BACKUP_CONTINUOUS is not true in .env, so there is no archive. `cargo xtask db load` restores a backup."
        );
        let (database, place) = (&settings.database, self.stack.place(&settings));
        let kept = archive::run(&server, &["kept"])?;
        if kept.is_empty() && self.to.is_none() {
            bail!("no restore has replaced data. Restore with `cargo xtask db restore --to TIME`.");
        }
        let (what, question) = if let Some(time) = &self.to {
            let time = archive::run(&server, &["plan", time])?;
            let question = format!(
                "This restores the database {database}{place} to its state of {time}. Changes since then are kept \
                 aside."
            );
            (format!("restore to {time}"), question)
        } else if self.back {
            let question = format!(
                "This returns the database {database}{place} to the data before the last restore. Changes since then \
                 are kept aside."
            );
            ("restore back".to_owned(), question)
        } else {
            let folders = kept.replace('\n', ", ");
            ("remove data".to_owned(), format!("This removes {folders}{place} and all data there."))
        };
        confirm_loss(&question, true, self.stack.is_selected(), self.yes)?;
        let Serving { tag, images, .. } = rolling_update::serving(&server, project)?;
        let mut history = History::open(&server, &images.proxy, &Entry::new(project, &what, &tag))?;
        history.write("started")?;
        let work = || -> anyhow::Result<()> {
            if self.confirm {
                archive::run(&server, &["forget"])?;
                report::line(&format!("removed {}", kept.replace('\n', ", ")));
                return Ok(());
            }
            if let Some(time) = &self.to {
                report::stage("restore", || {
                    let log = archive::run(&server, &["restore", time])?;
                    Ok(((), log.lines().map(without_time).collect::<Vec<_>>().join(" ")))
                })?;
            }
            let how = if self.back { "back" } else { "swap" };
            let replaced = report::stage("restart", || {
                let replaced = archive::switch(&server, &images, how)?;
                Ok((replaced, "PostgreSQL uses the restored data".to_owned()))
            })?;
            report::note(&format!(
                "the replaced data is kept in {replaced}. Run `cargo xtask db restore --back` to return to it, or \
                 --confirm to remove it."
            ));
            Ok(())
        };
        let done = work();
        history.end(&done)?;
        done?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns a line of the log without its time.
fn without_time(line: &str) -> &str {
    line.split_once("Z ").map_or(line, |(_, text)| text)
}
