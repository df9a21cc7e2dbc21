//! Invented rows, as many as one wants: to develop against a realistic volume.

use std::collections::HashSet;

use anyhow::bail;
use config::{Config, Profile};
use db::bulk;

use crate::{accounts, connect, invented};

/// Loads the first `rows` invented persons, but for those that are there already, in one transaction;
/// `stored` is told how many there are so far.
pub async fn seed_rows(config: &Config, rows: u32, stored: &dyn Fn(u64)) -> anyhow::Result<String> {
    if config.profile == Profile::Production {
        bail!("APP_ENV is production, and invented rows are for development: refused");
    }
    let mut client = connect(config, None).await?;
    accounts::seed(&client).await?;
    let (first, last) = invented::ids(rows);
    let present = bulk::ids(&client, first, last).await?;
    let present: HashSet<_> = present.into_iter().filter_map(invented::number).collect();
    let before = present.len() as u64;
    let missing = (0..rows).filter(|number| !present.contains(number)).map(invented::person);
    let loaded = bulk::insert(&mut client, missing, &|count| stored(before + count)).await?;
    let kept = if before > 0 { format!("; {before} were there") } else { String::new() };
    Ok(format!("loaded {loaded} invented persons{kept}\n"))
}
