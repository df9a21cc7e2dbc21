//! Persons for a server with many requests at once: those that wait together share statements.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use store::{Coalesced, Pipeline};
use uuid::Uuid;

use super::{NewPerson, Person, find_many, insert_many};
use crate::{Database, Error, audit::Actor};

/// Statements of a kind that are sent along one connection: more were no quicker.
const FINDS_AT_ONCE: usize = 2;
const INSERTS_AT_ONCE: usize = 2;
/// How long a statement of inserts, each of which waits for the disk, may wait for as many persons as the last one had.
const INSERTS_PATIENCE: Duration = Duration::from_micros(200);

/// The operations of which there are most. Behind one type of future, they are compiled here, and not at every edit of
/// what calls them.
pub struct Shared {
    finds: Coalesced<Uuid, Option<Person>>,
    inserts: Coalesced<(Actor, NewPerson), Person>,
}

impl Shared {
    /// Nothing connects until the first call.
    pub fn new(database: &Database) -> Self {
        let pipeline = || Arc::new(Pipeline::new(database));
        let (finds, inserts) = (pipeline(), pipeline());
        Self {
            finds: Coalesced::new(
                FINDS_AT_ONCE,
                Duration::ZERO,
                |_, _| true,
                move |ids| Box::pin(find(finds.clone(), ids)),
            ),
            inserts: Coalesced::new(
                INSERTS_AT_ONCE,
                INSERTS_PATIENCE,
                |_, _| true,
                move |new| Box::pin(insert(inserts.clone(), new)),
            ),
        }
    }

    /// The person with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: Uuid) -> BoxFuture<'_, Result<Person, Error>> {
        async move { self.finds.call(id).await?.ok_or(Error::NotFound) }.boxed()
    }

    /// Stores a person together with its addresses and the entry in the audit, all or nothing.
    ///
    /// # Errors
    /// [`Error::Duplicate`] with [`super::EMAIL_KEY`] if an address is given twice.
    pub fn insert(&self, by: Actor, new: NewPerson) -> BoxFuture<'_, Result<Person, Error>> {
        self.inserts.call((by, new)).boxed()
    }
}

async fn find(pipeline: Arc<Pipeline>, ids: Vec<Uuid>) -> Result<Vec<Option<Person>>, Error> {
    let found = find_many(&*pipeline.client().await?, &ids).await?;
    let found: HashMap<_, _> = found.into_iter().map(|person| (person.id, person)).collect();
    // Two may ask for the same one.
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

async fn insert(
    pipeline: Arc<Pipeline>,
    new: Vec<(Actor, NewPerson)>,
) -> Result<Vec<Person>, Error> {
    insert_many(&*pipeline.client().await?, new).await
}
