//! `cargo xtask rollback`: has the release before serve again.

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

/// Have the release before serve again, without losing a request
///
/// Refused when the schema has moved on since, with the reason. A second one goes back another release.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// Also on a schema that has moved on: its migrations only added, and the release before runs on it
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
            .with_context(|| format!("there is no release before {now}"))?
            .to_owned();
        let target = Images::of(project, &settings, &tag)?;
        if !self.keep_schema {
            schema::must_fit(&server, &images, &target)
                .with_context(|| format!("a rollback from {now} to {tag} is refused"))?;
        }
        history.begin(&tag)?;
        let done = report::stage("roll back", || {
            let after = rolling_update::run(&server, &target, number, number)?.as_secs_f64();
            Ok((
                (),
                format!(
                    "{tag} serves after {after:.1} s, on {number} replicas in the place of {now}"
                ),
            ))
        });
        history.end(&done)?;
        done?;
        report::line(&format!("done in {:.1} s", started.elapsed().as_secs_f64()));
        if is_mixed {
            bail!("a roll-out was interrupted, and has been undone");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The release that was deployed before the one that serves now.
fn before<'a>(records: &'a [Record], now: &str) -> Option<&'a str> {
    let deployed: Vec<_> = records
        .iter()
        .filter(|record| record.has_served() && record.entry.what == "deploy")
        .map(|record| record.entry.tag.as_str())
        .collect();
    let current = deployed.iter().rposition(|tag| *tag == now).unwrap_or(deployed.len());
    deployed[..current].iter().rfind(|tag| **tag != now).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rollback_goes_one_release_further_back() {
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
            ("deploy", "a", "served"),
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
