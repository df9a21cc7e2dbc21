//! Persons for a server with many requests at once: those that wait together share statements.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{Filter, NewPerson, Order, Person, find_many, insert_many, list};
use crate::{Database, Error, audit::Actor, coalesce::Coalesced, pipeline::Pipeline};

/// Statements of a kind that are sent along one connection: more were no quicker.
const AT_ONCE: usize = 3;

/// What becomes of a page's persons: made once for all who wait for that page. Told whether more persons follow.
pub type MakePage<P> = fn(&Order, Vec<Person>, bool) -> P;

/// The operations of which there are most.
pub struct Shared<P> {
    database: Database,
    finds: Coalesced<Uuid, Option<Person>>,
    inserts: Coalesced<(Actor, NewPerson), Person>,
    /// By the last person of the page before, and the limit: many look at the same page.
    lists: Coalesced<(Option<Uuid>, u32), P>,
    make_page: MakePage<P>,
}

impl<P: Clone + Send + 'static> Shared<P> {
    /// Nothing connects until the first call.
    pub fn new(database: &Database, make_page: MakePage<P>) -> Self {
        let pipeline = || Arc::new(Pipeline::new(database));
        let (finds, inserts, lists) = (pipeline(), pipeline(), database.clone());
        Self {
            finds: Coalesced::new(
                AT_ONCE,
                |_, _| true,
                move |ids| Box::pin(find(finds.clone(), ids)),
            ),
            inserts: Coalesced::new(
                AT_ONCE,
                |_, _| true,
                move |new| Box::pin(insert(inserts.clone(), new)),
            ),
            lists: Coalesced::new(1, PartialEq::eq, move |same| {
                Box::pin(same_page(lists.clone(), same, make_page))
            }),
            database: database.clone(),
            make_page,
        }
    }

    /// The person with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub async fn get(&self, id: Uuid) -> Result<Person, Error> {
        self.finds.call(id).await?.ok_or(Error::NotFound)
    }

    /// A page of `limit` persons at most, of those that [`list()`] finds; those who wait for the same page share it.
    pub async fn list(&self, filter: &Filter, order: &Order, limit: u32) -> Result<P, Error> {
        match order {
            Order::Creation(after) if filter.is_empty() => self.lists.call((*after, limit)).await,
            // A search may take long, and must not keep others waiting.
            _ => page(&self.database, filter, order, limit, self.make_page).await,
        }
    }

    /// Stores a person together with its addresses and the entry in the audit, all or nothing.
    ///
    /// # Errors
    /// [`Error::Duplicate`] with [`super::EMAIL_KEY`] if an address is given twice.
    pub async fn insert(&self, by: Actor, new: NewPerson) -> Result<Person, Error> {
        self.inserts.call((by, new)).await
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

/// The same page for everybody who asks for it.
async fn same_page<P: Clone>(
    database: Database,
    same: Vec<(Option<Uuid>, u32)>,
    make: MakePage<P>,
) -> Result<Vec<P>, Error> {
    let (after, limit) = same[0];
    let order = Order::Creation(after);
    let page = page(&database, &Filter::default(), &order, limit, make).await?;
    Ok(vec![page; same.len()])
}

async fn page<P>(
    database: &Database,
    filter: &Filter,
    order: &Order,
    limit: u32,
    make: MakePage<P>,
) -> Result<P, Error> {
    // One more than asked for tells whether there is a next page.
    let mut found = list(&database.client().await?, filter, order, limit + 1).await?;
    let has_next = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok(make(order, found, has_next))
}
