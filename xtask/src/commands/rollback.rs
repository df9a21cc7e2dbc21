//! `cargo xtask rollback`: switches back to the previous release.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, bail};

use context::{project::Project, report};
use deploy::{
    HostArgs,
    history::{Entry, History, Record},
    image::Images,
    rolling_update::{self, Serving},
    schema,
};

/// Roll back to the previous release without downtime
///
/// Fails if the schema has changed since the previous release. A second rollback goes back one more release.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// Roll back even if the schema has changed; the previous release must work with the current schema
    #[arg(long)]
    keep_schema: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let settings = project.settings()?;
        let server = self.host.server(project, &settings)?;
        let Serving { tag: now, images, number, is_mixed } =
            rolling_update::serving(&server, project)?;
        let entry = Entry::new(project, "rollback", &now);
        let mut history = History::open(&server, &images.proxy, &entry)?;
        let tag = before(&history.records, &now)
            .with_context(|| {
                format!("cannot roll back, because the history has no release before {now}")
            })?
            .to_owned();
        let target = Images::of(project, &settings, &tag)?;
        if !self.keep_schema {
            schema::must_fit(&server, &images, &target)
                .with_context(|| format!("refused to roll back from {now} to {tag}"))?;
        }
        history.begin(&tag)?;
        let done = report::stage("roll back", || {
            let after = rolling_update::run(&server, &target, number, number)?.as_secs_f64();
            Ok((
                (),
                format!(
                    "{tag} serves after {after:.1} s on {number} replicas, and {now} is stopped"
                ),
            ))
        });
        history.end(&done)?;
        done?;
        report::line(&format!("done in {:.1} s", started.elapsed().as_secs_f64()));
        if is_mixed {
            bail!("an interrupted rolling update has been reverted");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the release that `deploy` or `up --production` installed before `now`. Releases that never served are
/// skipped.
fn before<'a>(records: &'a [Record], now: &str) -> Option<&'a str> {
    let deployed: Vec<_> = records
        .iter()
        .filter(|record| record.has_served() && ["up", "deploy"].contains(&&*record.entry.what))
        .map(|record| record.entry.tag.as_str())
        .collect();
    let current = deployed.iter().rposition(|tag| *tag == now).unwrap_or(deployed.len());
    deployed[..current].iter().rfind(|tag| **tag != now).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rollback_goes_back_one_more_release() {
        let record = |(what, tag, state): (&str, &str, &str)| Record {
            time: String::new(),
            entry: Entry {
                what: what.to_owned(),
                tag: tag.to_owned(),
                who: String::new(),
                state: state.to_owned(),
            },
        };
        let records = [
            ("up", "a", "served"),
            ("deploy", "b", "served"),
            ("scale to 4", "b", "served"),
            ("deploy", "b", "served"),
            ("deploy", "c", "failed: not ready"),
            ("deploy", "d", "served"),
            ("rollback", "b", "served"),
        ]
        .map(record);
        assert_eq!(before(&records, "d"), Some("b"));
        assert_eq!(before(&records, "b"), Some("a"));
        assert_eq!(before(&records, "a"), None);
    }
}
