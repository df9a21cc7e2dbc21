//! Listing persons: a page of all, or of those that a search finds.

use uuid::Uuid;

use super::{Person, persons};
use crate::{Connection, Error};

/// Which persons to list; what is absent does not narrow the list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The name begins with this, compared without case.
    pub name_prefix: Option<String>,
    /// One of the addresses is this, compared without case.
    pub address: Option<String>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        self.name_prefix.is_none() && self.address.is_none()
    }
}

/// The order of a list, each with the last person of the page before.
#[derive(Debug, Clone)]
pub enum Order {
    /// By creation.
    Creation(Option<Uuid>),
    /// By name without case, then by creation.
    Name(Option<(String, Uuid)>),
}

// Pages of all persons, each one longer than a length that is asked for often, to see whether more follow.
// PostgreSQL plans a statement once that has the length in its text, and anew for each page where it is a
// parameter: that took a third of its time.
const PAGE_OF_21: &str = persons!("list", "WHERE id > $1 ORDER BY id LIMIT 21", "persons.id");
const PAGE_OF_51: &str = persons!("list", "WHERE id > $1 ORDER BY id LIMIT 51", "persons.id");
const PAGE_OF_101: &str = persons!("list", "WHERE id > $1 ORDER BY id LIMIT 101", "persons.id");
const LONGEST: u32 = 101;

const SEARCH: &str = persons!(
    "search",
    "
    WHERE id > $1
        AND ($3::text IS NULL OR lower(name) LIKE $3)
        AND ($4::text IS NULL
            OR id IN (SELECT person_id FROM emails WHERE lower(address) = lower($4)))
    ORDER BY id
    LIMIT $2",
    "persons.id"
);

const SEARCH_BY_NAME: &str = persons!(
    "search_by_name",
    "
    WHERE (lower(name), id) > (lower($5), $1)
        AND ($3::text IS NULL OR lower(name) LIKE $3)
        AND ($4::text IS NULL
            OR id IN (SELECT person_id FROM emails WHERE lower(address) = lower($4)))
    ORDER BY lower(name) USING ~<~, id
    LIMIT $2",
    "lower(name) USING ~<~, persons.id"
);

/// Up to `limit` persons that pass `filter`, from the one after `order`'s on; 101 at most.
pub async fn list(
    client: &dyn Connection,
    filter: &Filter,
    order: &Order,
    limit: u32,
) -> Result<Vec<Person>, Error> {
    let most = limit.min(LONGEST);
    let limit = i64::from(most);
    let prefix = filter.name_prefix.as_deref().map(starting_with);
    let rows = match order {
        Order::Creation(after) if filter.is_empty() => {
            let page = match most {
                ..=21 => PAGE_OF_21,
                22..=51 => PAGE_OF_51,
                _ => PAGE_OF_101,
            };
            client.query(page, &[/* id */ &after.unwrap_or_default()]).await?
        }
        Order::Creation(after) => {
            let after = after.unwrap_or_default();
            client.query(SEARCH, &[&after, &limit, &prefix, &filter.address]).await?
        }
        Order::Name(after) => {
            let (name, id) = after.clone().unwrap_or_default();
            client.query(SEARCH_BY_NAME, &[&id, &limit, &prefix, &filter.address, &name]).await?
        }
    };
    let mut persons = persons(&rows);
    persons.truncate(most as usize);
    Ok(persons)
}

/// The LIKE pattern of names that begin with `prefix`, without case.
fn starting_with(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for letter in prefix.to_lowercase().chars() {
        if ['%', '_', '\\'].contains(&letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}
