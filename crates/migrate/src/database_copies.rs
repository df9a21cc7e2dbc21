//! The copies of a database: names, labels and the lock on them.

use anyhow::{Context, ensure};
use config::Config;
use db::{
    Client, admin,
    copies::{self, Rename},
    migrations,
};
use serde::{Deserialize, Serialize};

use crate::connection::{connect, database_name};

/// The length limit of names in PostgreSQL.
const LONGEST: usize = 63;
/// The length of the suffix of a shortened name: `~` and eight digits.
const DIGITS: usize = 9;

/// The kind of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Snapshot,
    Branch,
}

/// The label of a copy. It is PostgreSQL's comment on the database, so it survives a rename.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// The creation time, in seconds since 1970.
    pub(crate) made: i64,
    /// The command that made this automatic snapshot, or `None` for other copies.
    pub(crate) automatic: Option<String>,
    /// The version of the schema when the copy was made.
    pub(crate) version: i32,
}

/// A complete copy.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) label: Label,
    pub(crate) database: String,
    pub(crate) bytes: i64,
    pub(crate) age: i64,
}

/// The locked copies of a database.
pub(crate) struct DatabaseCopies {
    pub(crate) client: Client,
    pub(crate) helper: Client,
    /// The name of the database in use.
    pub(crate) live: String,
}

/// The database in use.
pub(crate) struct Live {
    pub(crate) label: Option<Label>,
    pub(crate) version: i32,
    /// The server's time, in seconds since 1970.
    pub(crate) now: i64,
}

impl DatabaseCopies {
    /// Locks the copies, and drops unfinished copies.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let live = database_name(config)?;
        let room = LONGEST - DIGITS - "__snapshot_".len();
        ensure!(
            live.len() <= room,
            "the database name {live} is too long for snapshots and branches: at most {room} letters"
        );
        let client = connect(config, Some(admin::MAINTENANCE)).await?;
        let helper = connect(config, Some(admin::MAINTENANCE)).await?;
        copies::lock(&client, &live).await?;
        let copies = Self { client, helper, live };
        copies.drop_unfinished().await?;
        Ok(copies)
    }

    async fn drop_unfinished(&self) -> anyhow::Result<()> {
        let unfinished = [self.fresh(), format!("{}__replaced", self.live)];
        for copy in copies::list(&self.client, &self.live).await? {
            if copy.is_broken || unfinished.contains(&copy.database) {
                copies::drop(&self.client, &copy.database).await?;
            }
        }
        Ok(())
    }

    /// Returns the name of the copy that is being created.
    pub(crate) fn fresh(&self) -> String {
        format!("{}__fresh", self.live)
    }

    /// Returns the copies of this kind.
    pub(crate) async fn entries(&self, kind: Kind) -> anyhow::Result<Vec<Entry>> {
        entries(&self.client, &self.live, kind).await
    }

    /// Returns the database in use, if there is one.
    pub(crate) async fn live(&self, config: &Config) -> anyhow::Result<Option<Live>> {
        let Some((description, now)) = copies::description(&self.client, &self.live).await? else {
            return Ok(None);
        };
        let client = connect(config, None).await?;
        let version =
            migrations::applied(&client).await?.last().map_or(0, |last| last.migration.version);
        Ok(Some(Live { label: description.as_deref().and_then(read), version, now }))
    }

    /// Copies a database to [`Self::fresh`].
    pub(crate) async fn copy(&self, from: &str) -> anyhow::Result<()> {
        copies::copy(&self.client, &self.helper, from, &self.fresh()).await.with_context(|| {
            format!(
                "cannot copy the database {from}; nothing was changed. If the disk is full, delete snapshots: run \
                 cargo xtask db snapshot list"
            )
        })
    }

    /// Renames databases in one transaction, and sets or removes their labels.
    pub(crate) async fn rename(
        &mut self,
        renames: &[(&str, &str, Option<&Label>)],
    ) -> anyhow::Result<()> {
        let renames: Vec<_> = renames
            .iter()
            .map(|&(from, to, label)| Rename { from, to, description: label.map(write) })
            .collect();
        copies::rename_all(&mut self.client, &self.helper, &renames).await?;
        Ok(())
    }

    pub(crate) async fn drop(&self, database: &str) -> anyhow::Result<()> {
        Ok(copies::drop(&self.client, database).await?)
    }

    /// Returns the name of the database of a copy.
    pub(crate) fn database(&self, kind: Kind, name: &str) -> String {
        database(&self.live, kind, name)
    }
}

/// Returns the copies of this kind, without a lock.
pub(crate) async fn entries(client: &Client, live: &str, kind: Kind) -> anyhow::Result<Vec<Entry>> {
    let copies = copies::list(client, live).await?.into_iter();
    let entry = |copy: copies::Copy| {
        let label = copy.description.as_deref().and_then(read)?;
        let is_whole = copy.database == database(live, kind, &label.name) && !copy.is_broken;
        let age = copy.now - label.made;
        let entry = Entry { label, database: copy.database, bytes: copy.bytes, age };
        is_whole.then_some(entry)
    };
    let mut entries: Vec<_> = copies.filter_map(entry).collect();
    entries.sort_by_key(|entry| (entry.label.made, number(&entry.label.name)));
    Ok(entries)
}

/// Returns the number of an automatic snapshot, such as 7 for `auto-7`.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_prefix("auto-")?.parse().ok()
}

pub(crate) fn read(description: &str) -> Option<Label> {
    serde_json::from_str(description).ok()
}

pub(crate) fn write(label: &Label) -> String {
    serde_json::to_string(label).expect("a label is valid JSON")
}

/// Returns the name of the database of a copy, such as `slipway__branch_main`. Names that are too long or contain other
/// characters are shortened and get a hash.
fn database(live: &str, kind: Kind, name: &str) -> String {
    let kind = match kind {
        Kind::Snapshot => "snapshot",
        Kind::Branch => "branch",
    };
    let beginning = format!("{live}__{kind}_");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if name.chars().all(is_plain) && beginning.len() + name.len() <= LONGEST {
        return beginning + name;
    }
    let letters = name.chars().map(|letter| if is_plain(letter) { letter } else { '-' });
    let room = LONGEST - DIGITS - beginning.len();
    let letters: String = letters.take(room).collect();
    format!("{beginning}{letters}~{:08x}", hash(name))
}

/// Returns the FNV-1a hash. The hash of the standard library may change between versions, but names must not change.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_names_of_copies_are_short_and_unique() {
        let long = "a".repeat(80);
        let longer = "a".repeat(81);
        let names = ["main", "feature/a", "feature-a", "Feature-a", "größe", &long, &longer];
        let databases = names.map(|name| database("slipway", Kind::Branch, name));
        assert_eq!(databases[0], "slipway__branch_main");
        assert!(databases[1].starts_with("slipway__branch_feature-a~"), "{databases:?}");
        for (index, name) in databases.iter().enumerate() {
            assert!(name.len() <= LONGEST && name.is_ascii(), "{name}");
            assert!(!databases[..index].contains(name), "{name} twice");
        }
    }
}
