//! Invented rows, as many as one wants: to develop against a realistic volume.

use std::{collections::HashSet, iter, sync::mpsc, thread};

use anyhow::bail;
use config::{Config, Profile};
use db::bulk::{self, Person};

use crate::{accounts, connection::connect, invented};

/// How many persons are handed over at once.
const HANDFUL: usize = 1000;

/// Loads the first `rows` invented persons, but for those that are there already, in one transaction, and one command
/// after the other: one that was killed may still be at work in its container. `stored` is told how many there are so far.
pub async fn seed_rows(config: &Config, rows: u32, stored: &dyn Fn(u64)) -> anyhow::Result<String> {
    if config.profile == Profile::Production {
        bail!("APP_ENV is production, and invented rows are for development: refused");
    }
    let mut client = connect(config, None).await?;
    bulk::lock(&client).await?;
    accounts::seed(&client).await?;
    let (first, last) = invented::ids(rows);
    let present = bulk::ids(&client, first, last).await?;
    let present: HashSet<_> = present.into_iter().filter_map(invented::number).collect();
    let before = present.len() as u64;
    let missing = invent((0..rows).filter(|number| !present.contains(number)).collect());
    let loaded = bulk::insert(&mut client, missing, &|count| stored(before + count)).await?;
    let kept = if before > 0 { format!("; {before} were there") } else { String::new() };
    Ok(format!("loaded {loaded} invented persons{kept}\n"))
}

/// The persons with these numbers, who are invented while the server stores those before.
fn invent(numbers: Vec<u32>) -> impl Iterator<Item = Person> {
    let (sender, persons) = mpsc::sync_channel::<Vec<_>>(20);
    let mut inventor = Some(thread::spawn(move || {
        let mut handfuls = numbers.chunks(HANDFUL);
        // Nobody takes them any more when storing has failed.
        handfuls
            .all(|some| sender.send(some.iter().map(|it| invented::person(*it)).collect()).is_ok());
    }));
    // A panic must not pass for the end.
    let end = iter::from_fn(move || {
        if let Some(it) = inventor.take() {
            it.join().expect("it invents everybody");
        }
        None
    });
    persons.into_iter().flatten().chain(end)
}
