//! Snapshots: named copies of the database. Destructive commands take automatic snapshots.

use std::fmt::Write as _;

use anyhow::{Context, bail, ensure};
use config::{Config, Profile};
use db::{admin, migrations};

use crate::{
    connection::{connect, database_name},
    database_copies::{self, DatabaseCopies, Entry, Kind, Label, Live},
    privileges,
};

/// The number of automatic snapshots that are kept.
const KEPT: usize = 5;
/// The maximum length of a name, so that lists stay readable.
const LONGEST_NAME: usize = 40;

/// Saves a snapshot under `name`, or under the next number.
pub async fn save(config: &Config, name: Option<&str>) -> anyhow::Result<String> {
    if let Some(name) = name {
        check(name)?;
    }
    let mut copies = DatabaseCopies::open(config).await?;
    let live =
        copies.live(config).await?.context("the database does not exist. Run cargo xtask up.")?;
    let taken = copies.entries(Kind::Snapshot).await?;
    let is_taken = |name: &str| taken.iter().any(|entry| entry.label.name == name);
    let name = match name {
        Some(name) => name.to_owned(),
        None => (1..=taken.len() + 1)
            .map(|number| number.to_string())
            .find(|name| !is_taken(name))
            .context("every number is already the name of a snapshot. Pass a name.")?,
    };
    ensure!(
        !is_taken(&name),
        "the snapshot {name} already exists. Use another name, or run cargo xtask db snapshot delete {name}."
    );
    keep(&mut copies, &live, name.clone(), None).await?;
    Ok(format!("saved {name}. To restore it, run `cargo xtask db snapshot restore {name}`.\n"))
}

/// Saves an automatic snapshot before the destructive `command`, and returns a text with the command that restores it.
/// Deletes all automatic snapshots except the last five.
pub async fn automatic(config: &Config, command: &str) -> anyhow::Result<String> {
    let mut copies = DatabaseCopies::open(config).await?;
    let Some(live) = copies.live(config).await? else { return Ok(String::new()) };
    let name = next_automatic(&copies).await?;
    keep(&mut copies, &live, name.clone(), Some(command)).await.context(
        "cannot save a snapshot before the change. With --no-snapshot, the command runs but cannot be undone",
    )?;
    prune(&copies).await?;
    Ok(restore_hint(&name))
}

/// Replaces the database in use with a new database that `fill` fills. The old database is kept as an automatic
/// snapshot, unless `keep` is false. Returns the result of `fill`, and a text with the command that restores the old
/// database.
///
/// After an interruption, the database in use is complete: it is either the old database or the new database.
pub async fn replace<T>(
    config: &Config,
    command: &str,
    keep: bool,
    fill: impl AsyncFnOnce(&str) -> anyhow::Result<T>,
) -> anyhow::Result<(T, String)> {
    let mut copies = DatabaseCopies::open(config).await?;
    let fresh = copies.fresh();
    admin::create(&copies.client, &fresh).await?;
    let filled = fill(&fresh).await;
    let swapped = match filled {
        Ok(filled) => {
            swap(config, &mut copies, &fresh, command, keep).await.map(|back| (filled, back))
        }
        Err(error) => Err(error),
    };
    if swapped.is_err() {
        // Errors are ignored, because the next command also drops unfinished copies.
        let _ = copies.drop(&fresh).await;
    }
    swapped
}

/// Replaces the database in use with the complete database `from`. The old database is kept as an automatic snapshot,
/// unless `keep` is false. Returns a text with the command that restores the old database.
pub(crate) async fn put(
    config: &Config,
    from: &str,
    command: &str,
    keep: bool,
) -> anyhow::Result<String> {
    let mut copies = DatabaseCopies::open(config).await?;
    swap(config, &mut copies, from, command, keep).await
}

/// Restores the snapshot `name`, or the newest snapshot. The replaced database is kept, unless `keep` is false. Missing
/// migrations are applied first, unless `as_it_is` is true.
pub async fn restore(
    config: &Config,
    name: Option<&str>,
    keep: bool,
    as_it_is: bool,
) -> anyhow::Result<String> {
    let mut copies = DatabaseCopies::open(config).await?;
    let entries = copies.entries(Kind::Snapshot).await?;
    let entry = match name {
        Some(name) => find(&entries, name)?,
        None => entries.last().context(
            "cannot restore, because no snapshot exists. Save one before the next change.",
        )?,
    };
    let name = &entry.label.name;
    copies.copy(&entry.database).await?;
    let mut output = format!("restored {name}\n");
    if !as_it_is && config.profile != Profile::Production {
        let mut copy = connect(config, Some(&copies.fresh())).await?;
        let applied = migrations::apply(migrations::embedded(), &mut copy, None).await.with_context(|| {
            format!("cannot migrate {name} to the latest schema; nothing was changed. Pass --as-it-is to restore it \
                     without migrations")
        })?;
        for migration in applied {
            writeln!(output, "applied {} {}", migration.version, migration.name)?;
        }
    }
    let fresh = copies.fresh();
    output += &swap(config, &mut copies, &fresh, "restore", keep).await?;
    Ok(output)
}

/// Drops snapshots.
pub async fn delete(config: &Config, names: &[String]) -> anyhow::Result<String> {
    let copies = DatabaseCopies::open(config).await?;
    let entries = copies.entries(Kind::Snapshot).await?;
    let found: Vec<_> = names.iter().map(|name| find(&entries, name)).collect::<Result<_, _>>()?;
    let mut output = String::new();
    for Entry { label, database, .. } in found {
        copies.drop(database).await?;
        writeln!(output, "deleted {}", label.name)?;
    }
    Ok(output)
}

/// Lists the snapshots, oldest first, as a table or as JSON.
pub async fn list(config: &Config, json: bool) -> anyhow::Result<String> {
    let client = connect(config, Some(admin::MAINTENANCE)).await?;
    let entries =
        database_copies::entries(&client, &database_name(config)?, Kind::Snapshot).await?;
    if json {
        let entry = |Entry { label, bytes, age, .. }: &Entry| {
            serde_json::json!({
                "name": label.name, "bytes": bytes, "age_seconds": age, "schema": label.version,
                "before": label.automatic,
            })
        };
        return Ok(format!("{}\n", entries.iter().map(entry).collect::<serde_json::Value>()));
    }
    if entries.is_empty() {
        return Ok(
            "no snapshots yet. To take one, run `cargo xtask db snapshot save`.\n".to_owned()
        );
    }
    let mut output = format!("{:<24} {:>10}  {:<15} SCHEMA\n", "NAME", "SIZE", "AGE");
    for Entry { label, bytes, age, .. } in &entries {
        let (size, age) = (size(*bytes), self::age(*age));
        write!(output, "{:<24} {size:>10}  {age:<15} {}", label.name, label.version)?;
        match &label.automatic {
            Some(command) => writeln!(output, "  before {command}")?,
            None => output.push('\n'),
        }
    }
    Ok(output)
}

/// Replaces the database in use, and returns how to restore it.
async fn swap(
    config: &Config,
    copies: &mut DatabaseCopies,
    fresh: &str,
    command: &str,
    keep: bool,
) -> anyhow::Result<String> {
    privileges::grant_in(config, fresh).await?;
    let current = copies.live.clone();
    let Some(live) = copies.live(config).await? else {
        copies.rename(&[(fresh, &current, None)]).await?;
        return Ok(String::new());
    };
    if !keep {
        let replaced = format!("{current}__replaced");
        let renames = [(&*current, &*replaced, None), (fresh, &*current, live.label.as_ref())];
        copies.rename(&renames).await?;
        copies.drop(&replaced).await?;
        return Ok(String::new());
    }
    let name = next_automatic(copies).await?;
    let database = copies.database(Kind::Snapshot, &name);
    let label = label(&live, name.clone(), Some(command));
    let renames = [(&*current, &*database, Some(&label)), (fresh, &*current, live.label.as_ref())];
    copies.rename(&renames).await?;
    prune(copies).await?;
    Ok(restore_hint(&name))
}

/// Creates the snapshot `name`: copies the database, then sets name and label in one step.
async fn keep(
    copies: &mut DatabaseCopies,
    live: &Live,
    name: String,
    command: Option<&str>,
) -> anyhow::Result<()> {
    copies.copy(&copies.live).await?;
    let (fresh, database) = (copies.fresh(), copies.database(Kind::Snapshot, &name));
    copies.rename(&[(&fresh, &database, Some(&label(live, name, command)))]).await
}

pub(crate) fn label(live: &Live, name: String, command: Option<&str>) -> Label {
    let automatic = command.map(str::to_owned);
    Label { kind: Kind::Snapshot, name, made: live.now, automatic, version: live.version }
}

pub(crate) async fn next_automatic(copies: &DatabaseCopies) -> anyhow::Result<String> {
    let entries = copies.entries(Kind::Snapshot).await?;
    let last = entries.iter().filter_map(|entry| database_copies::number(&entry.label.name)).max();
    Ok(format!("auto-{}", last.unwrap_or(0) + 1))
}

/// Drops all automatic snapshots except the last [`KEPT`].
async fn prune(copies: &DatabaseCopies) -> anyhow::Result<()> {
    let mut entries = copies.entries(Kind::Snapshot).await?;
    entries.retain(|entry| entry.label.automatic.is_some());
    entries.sort_by_key(|entry| database_copies::number(&entry.label.name));
    let surplus = entries.len().saturating_sub(KEPT);
    for entry in &entries[..surplus] {
        copies.drop(&entry.database).await?;
    }
    Ok(())
}

fn find<'a>(entries: &'a [Entry], name: &str) -> anyhow::Result<&'a Entry> {
    entries.iter().find(|entry| entry.label.name == name).with_context(|| {
        format!(
            "snapshot {name} does not exist. To list all snapshots, run cargo xtask db snapshot list."
        )
    })
}

fn check(name: &str) -> anyhow::Result<()> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_short = (1..=LONGEST_NAME).contains(&name.len());
    if !is_short || !name.chars().all(is_plain) || name.starts_with('-') {
        bail!(
            "invalid snapshot name {name:?}: expected 1 to {LONGEST_NAME} letters, digits and ._- (not - at the start)"
        );
    }
    ensure!(
        database_copies::number(name).is_none(),
        "invalid snapshot name {name}: auto-NUMBER is reserved for automatic snapshots"
    );
    Ok(())
}

fn restore_hint(name: &str) -> String {
    format!(
        "kept the old database as a snapshot. To restore it, run `cargo xtask db snapshot restore {name}`.\n"
    )
}

pub(crate) fn size(bytes: i64) -> String {
    const UNITS: [&str; 3] = ["MB", "GB", "TB"];
    let (mut tenths, mut unit) = (bytes / 100_000, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1000, unit + 1);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Formats an age, such as `5 minutes ago`.
pub(crate) fn age(seconds: i64) -> String {
    let (number, unit) = match seconds.max(0) {
        seconds @ 0..60 => (seconds, "second"),
        seconds @ 60..3600 => (seconds / 60, "minute"),
        seconds @ 3600..86400 => (seconds / 3600, "hour"),
        seconds => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}
