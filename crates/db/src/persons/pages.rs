//! Pages of persons for a server with many requests at once: those who wait for the same page share what is made of it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use store::Coalesced;
use uuid::Uuid;

use super::{Filter, Order, Person, list};
use crate::{Database, Error};

/// A page in the form in which it is sent. Copies share its bytes.
#[derive(Debug, Clone)]
pub struct Page {
    /// The whole page.
    pub body: Bytes,
    /// What the next page begins with, if there is one.
    pub next: Option<String>,
}

/// Brings persons into that form, who come in this order and are told whether more follow.
pub type MakePage = fn(&Order, Vec<Person>, bool) -> Page;

/// Pages, each made once for all who wait for it.
pub struct Pages {
    database: Database,
    make: MakePage,
    /// By the last person of the page before, and the limit: many look at the same page.
    plain: Coalesced<(Option<Uuid>, u32), Page>,
}

impl Pages {
    /// Nothing connects until the first call.
    pub fn new(database: &Database, make: MakePage) -> Self {
        let pages = database.clone();
        Self {
            database: database.clone(),
            make,
            plain: Coalesced::new(1, Duration::ZERO, PartialEq::eq, move |same| {
                Box::pin(same_page(pages.clone(), same, make))
            }),
        }
    }

    /// A page of `limit` persons at most, of those that [`list()`] finds.
    pub fn list<'a>(
        &'a self,
        filter: &'a Filter,
        order: &'a Order,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        match order {
            Order::Creation(after) if filter.is_empty() => self.plain.call((*after, limit)).boxed(),
            // A search may take long, and must not keep others waiting.
            _ => page(&self.database, filter, order, limit, self.make).boxed(),
        }
    }
}

/// The same page for everybody who asks for it.
async fn same_page(
    database: Database,
    same: Vec<(Option<Uuid>, u32)>,
    make: MakePage,
) -> Result<Vec<Page>, Error> {
    let (after, limit) = same[0];
    let order = Order::Creation(after);
    let page = page(&database, &Filter::default(), &order, limit, make).await?;
    Ok(vec![page; same.len()])
}

async fn page(
    database: &Database,
    filter: &Filter,
    order: &Order,
    limit: u32,
    make: MakePage,
) -> Result<Page, Error> {
    // One more than asked for tells whether there is a next page.
    let mut found = list(&database.client().await?, filter, order, limit + 1).await?;
    let has_next = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok(make(order, found, has_next))
}
