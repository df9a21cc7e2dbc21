//! Synthetic rows, for development with a realistic amount of data.

use std::{collections::HashSet, iter, sync::mpsc, thread};

use anyhow::bail;
use config::{Config, Profile};
use db::bulk::{self, Person};

use crate::{accounts, connection::connect, synthetic};

/// The number of persons in a chunk.
const CHUNK: usize = 1000;

/// Loads the first `rows` synthetic persons in one transaction, except the persons that exist already.
///
/// Calls `stored` with the number of stored persons. A lock makes concurrent commands wait, because a killed command
/// may still run in its container.
pub async fn seed_rows(config: &Config, rows: u32, stored: &dyn Fn(u64)) -> anyhow::Result<String> {
    if config.profile == Profile::Production {
        bail!(
            "refused, because synthetic rows are only for development, and APP_ENV is production"
        );
    }
    let mut client = connect(config, None).await?;
    bulk::lock(&client).await?;
    accounts::seed(&client).await?;
    let (first, last) = synthetic::ids(rows);
    let present = bulk::ids(&client, first, last).await?;
    let present: HashSet<_> = present.into_iter().filter_map(synthetic::number).collect();
    let before = present.len() as u64;
    let missing = generate((0..rows).filter(|number| !present.contains(number)).collect());
    let loaded = bulk::insert(&mut client, missing, &|count| stored(before + count)).await?;
    let kept = if before > 0 { format!("; {before} existed already") } else { String::new() };
    Ok(format!("loaded {loaded} synthetic persons{kept}\n"))
}

/// Generates the persons with these numbers in a thread, while the database stores earlier persons.
fn generate(numbers: Vec<u32>) -> impl Iterator<Item = Person> {
    let (sender, persons) = mpsc::sync_channel::<Vec<_>>(20);
    let mut generator = Some(thread::spawn(move || {
        let mut chunks = numbers.chunks(CHUNK);
        // `send` returns an error if storing has failed. Then the thread stops.
        chunks.all(|some| {
            sender.send(some.iter().map(|it| synthetic::person(*it)).collect()).is_ok()
        });
    }));
    // If the thread panics, this function panics too. Otherwise, the missing rows would go unnoticed.
    let end = iter::from_fn(move || {
        if let Some(it) = generator.take() {
            it.join().expect("the generator does not panic");
        }
        None
    });
    persons.into_iter().flatten().chain(end)
}
