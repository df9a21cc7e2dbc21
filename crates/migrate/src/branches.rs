//! A copy of the database for each git branch. The database in use always has the name in DATABASE_URL. A switch
//! renames databases, so the settings of the server do not change.

use std::fmt::Write as _;

use anyhow::{bail, ensure};
use config::{Config, Profile};
use db::{admin, copies};

use crate::{
    connect,
    database_copies::{self, DatabaseCopies, Entry, Kind, Label, Live},
    database_name, privileges, snapshots,
};

/// Switches to the copy of the branch `name`. The first switch creates this copy from the first of `parents` that has a
/// copy, or else from the database in use.
///
/// If the database in use does not belong to a branch, it becomes the copy of the branch `left`, or of `name`.
pub async fn switch(
    config: &Config,
    name: &str,
    left: Option<&str>,
    parents: &[String],
) -> anyhow::Result<String> {
    ensure!(
        config.profile != Profile::Production,
        "refused, because database branches do not work in production (APP_ENV)"
    );
    let mut saved = DatabaseCopies::open(config).await?;
    let Some(live) = saved.live(config).await? else {
        bail!("the database does not exist. Run cargo xtask up.")
    };
    let current = match &live.label {
        Some(label) => label.name.clone(),
        None => left.unwrap_or(name).to_owned(),
    };
    let label = |name: &str| Label {
        kind: Kind::Branch,
        name: name.to_owned(),
        made: live.now,
        automatic: None,
        version: live.version,
    };
    let mine = live.label.clone().unwrap_or_else(|| label(&current));
    if current == name {
        if live.label.is_none() {
            copies::describe(&saved.client, &saved.live, &database_copies::write(&mine)).await?;
        }
        return Ok(format!("using the database of branch {name}\n"));
    }
    let entries = saved.entries(Kind::Branch).await?;
    let (from, theirs, output) = if let Some(entry) =
        entries.iter().find(|entry| entry.label.name == name)
    {
        let output = format!("switched to the database of branch {name}\n");
        (entry.database.clone(), entry.label.clone(), output)
    } else {
        let parent = make(&saved, &entries, &current, parents).await?;
        let output =
            format!("created a database for branch {name}, a copy of the database of {parent}\n");
        (saved.fresh(), label(name), output)
    };
    privileges::grant_in(config, &from).await?;
    put(&mut saved, &live, &mine, (&from, &theirs)).await?;
    Ok(output)
}

/// Creates the copy of a new branch, and returns the branch that it was copied from.
async fn make(
    saved: &DatabaseCopies,
    entries: &[Entry],
    current: &str,
    parents: &[String],
) -> anyhow::Result<String> {
    let of = |name: &String| entries.iter().find(|entry| entry.label.name == *name);
    let parent = parents.iter().find(|name| *name == current || of(name).is_some());
    let parent = parent.map_or(current, String::as_str).to_owned();
    let from = of(&parent).filter(|_| parent != current).map_or(&saved.live, |copy| &copy.database);
    saved.copy(from).await?;
    Ok(parent)
}

/// Replaces the database in use with the copy of another branch. The replaced database becomes the copy of its own
/// branch.
async fn put(
    saved: &mut DatabaseCopies,
    live: &Live,
    mine: &Label,
    (from, theirs): (&str, &Label),
) -> anyhow::Result<()> {
    let in_use = saved.live.clone();
    let place = saved.database(Kind::Branch, &mine.name);
    let aside = snapshots::next_automatic(saved).await?;
    let aside = snapshots::label(live, aside, Some("a second database of a branch"));
    let aside_place = saved.database(Kind::Snapshot, &aside.name);
    let mut renames = Vec::new();
    if admin::exists(&saved.client, &place).await? {
        // Another database has this name, because it was created or renamed by hand. It becomes a snapshot.
        renames.push((&*place, &*aside_place, Some(&aside)));
    }
    renames.push((&*in_use, &*place, Some(mine)));
    renames.push((from, &*in_use, Some(theirs)));
    saved.rename(&renames).await
}

/// Lists the branches that have a copy and the current branch, as a table or as JSON.
pub async fn list(config: &Config, json: bool) -> anyhow::Result<String> {
    let name = database_name(config)?;
    let client = connect(config, Some(admin::MAINTENANCE)).await?;
    let entries = database_copies::entries(&client, &name, Kind::Branch).await?;
    let current = copies::description(&client, &name).await?.and_then(|(text, _)| text);
    let current = current.as_deref().and_then(database_copies::read).map(|label| label.name);
    if json {
        let entry = |Entry { label, bytes, age, .. }: &Entry| {
            serde_json::json!({
                "name": label.name, "bytes": bytes, "age_seconds": age, "schema": label.version,
            })
        };
        let entries: Vec<_> = entries.iter().map(entry).collect();
        return Ok(format!("{}\n", serde_json::json!({ "current": current, "copies": entries })));
    }
    let mut output = String::new();
    if let Some(current) = current {
        writeln!(output, "* {current}")?;
    }
    for Entry { label, bytes, age, .. } in &entries {
        let (size, age) = (snapshots::size(*bytes), snapshots::age(*age));
        writeln!(output, "  {:<30} {size:>10}  created {age}", label.name)?;
    }
    Ok(output)
}

/// Drops copies of branches that are not in use.
pub async fn delete(config: &Config, names: &[String]) -> anyhow::Result<String> {
    let saved = DatabaseCopies::open(config).await?;
    let entries = saved.entries(Kind::Branch).await?;
    let mut output = String::new();
    for name in names {
        let Some(entry) = entries.iter().find(|entry| entry.label.name == *name) else {
            bail!(
                "{output}the branch {name} does not have a copy of the database. `cargo xtask db branch list` lists the branches that have one."
            )
        };
        saved.drop(&entry.database).await?;
        writeln!(output, "deleted the database of {name}")?;
    }
    Ok(output)
}
