//! Pages of persons for a server with many requests at once: those who wait for the same page share it, and what is
//! made of it.

use uuid::Uuid;

use super::{Filter, Order, Person, list};
use crate::{Database, Error, coalesce::Coalesced};

/// What becomes of a page's persons, who are told whether more follow: made once for all who wait for that page.
pub type MakePage<P> = fn(&Order, Vec<Person>, bool) -> P;

/// Pages, as something else than rows.
pub struct Pages<P> {
    database: Database,
    make: MakePage<P>,
    /// By the last person of the page before, and the limit: many look at the same page.
    plain: Coalesced<(Option<Uuid>, u32), P>,
}

impl<P: Clone + Send + 'static> Pages<P> {
    /// Nothing connects until the first call.
    pub fn new(database: &Database, make: MakePage<P>) -> Self {
        let pages = database.clone();
        Self {
            database: database.clone(),
            make,
            plain: Coalesced::new(1, PartialEq::eq, move |same| {
                Box::pin(same_page(pages.clone(), same, make))
            }),
        }
    }

    /// A page of `limit` persons at most, of those that [`list()`] finds; those who wait for the same page share it.
    pub async fn list(&self, filter: &Filter, order: &Order, limit: u32) -> Result<P, Error> {
        match order {
            Order::Creation(after) if filter.is_empty() => self.plain.call((*after, limit)).await,
            // A search may take long, and must not keep others waiting.
            _ => page(&self.database, filter, order, limit, self.make).await,
        }
    }
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
