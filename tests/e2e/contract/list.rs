//! Pages and filters of a collection.

use futures_util::future::join_all;
use serde_json::Value;

use super::{Checks, Field, Identity, Reply};

impl Checks<'_> {
    pub(super) async fn pages_have_no_gap_and_no_repeat(&self) {
        // Creates the rows concurrently, so that the server inserts them as one batch.
        let created = join_all((0..5).map(|_| self.row())).await;
        let (list, id) = (&self.resource.list, &self.resource.list.id);
        let all = self.pages(100).await;
        assert!(all.is_sorted_by_key(|row| row["id"].as_str()), "{id}: rows in order of their ids");
        for row in &created {
            assert!(all.contains(&row.stored), "{id}: the list must have the row {}", row.stored);
        }
        for limit in [all.len().div_ceil(4), all.len()] {
            let found = self.pages(limit.min(100)).await;
            assert!(found == all, "{id}: pages of {limit} must have the rows of the page of 100");
        }
        let page = self.client.call(list, &self.collection).expect(200, "the list exists").await;
        self.client.catalog.spec.assert_describes(list, 200, &page.body);
        let count = items(&page).len();
        assert_eq!(count, all.len().min(20), "{id}: the number of rows on a page by default");
    }

    pub(super) async fn filters_narrow_the_list(&self) {
        let (row, other) = (self.row().await.stored, self.row().await.stored);
        let (list, id) = (&self.resource.list, &self.resource.list.id);
        for (name, field, text) in self.filters(&row) {
            let Some(field) = field else { continue };
            let value = filtered_value(&row, field);
            let matches = |row: &Value| {
                let stored = &row[&field.name];
                stored == value || stored.as_array().is_some_and(|it| it.contains(value))
            };
            let page = async |limit: &str| {
                let query = [(name, text.as_str()), ("limit", limit)];
                let call = self.client.call(list, &self.collection).query(&query);
                call.expect(200, "the query is valid").await
            };
            let found = page("100").await;
            let wrong = items(&found).iter().find(|row| !matches(row));
            assert!(wrong.is_none(), "{id}: {name}={text} must not return {wrong:?}");
            assert!(items(&found).contains(&row), "{id}: {name}={text} must return {row}");
            let is_found = items(&found).contains(&other);
            assert_eq!(is_found, matches(&other), "{id}: {name}={text} returns {other}");
            let mut rows = items(&found).iter().skip(1);
            let first = page("1").await;
            if next(&first).is_some() {
                let second = self.follow(&first).await;
                assert_eq!(items(&second).first(), rows.next(), "{id}: page 2 of {name}={text}");
            }
        }
    }

    /// Returns the filters of the list with values of a row, and the field of each filter. The search filter is
    /// returned once for each text of the row.
    pub(super) fn filters(
        &self,
        row: &Value,
    ) -> Vec<(&'static str, Option<&'static Field>, String)> {
        let names = self.resource.list.parameters("query").filter_map(|it| it["name"].as_str());
        let filters = names.filter(|name| !["limit", "cursor"].contains(name)).flat_map(|name| {
            let field = self.filtered_field(name);
            let texts: Vec<_> = if let Some(field) = field {
                let value = filtered_value(row, field);
                vec![value.as_str().map_or_else(|| value.to_string(), str::to_owned)]
            } else {
                let fields = self.resource.fields.iter();
                fields.filter_map(|field| Some(row[&field.name].as_str()?.to_owned())).collect()
            };
            texts.into_iter().map(move |text| (name, field, text))
        });
        filters.collect()
    }

    /// Returns the field that a parameter filters by. The parameter `tag_id` filters by `tag_ids`. A parameter has the
    /// prefix `filter_` if its name has another meaning in the list.
    fn filtered_field(&self, parameter: &str) -> Option<&'static Field> {
        let fields = &self.resource.fields;
        let name = parameter.strip_prefix("filter_").unwrap_or(parameter);
        let is_page = ["limit", "cursor"].contains(&name);
        let is_of_another = name != parameter && self.resource.list.has_parameter("query", name);
        let by_name = fields.iter().find(|field| field.name == name);
        let by_item = fields.iter().find(|field| field.name.strip_suffix('s') == Some(name));
        by_name.filter(|_| is_page || !is_of_another).or(by_item)
    }

    /// Panics if a filter finds a row of another account or parent.
    pub(super) async fn assert_hidden(
        &self,
        row: &Value,
        collection: &str,
        caller: &Identity,
        why: &str,
    ) {
        let (list, id) = (&self.resource.list, &self.resource.list.id);
        for (name, _, text) in self.filters(row) {
            let call = self.client.call(list, collection).by(caller).query(&[(name, &text)]);
            let found = call.expect(200, "the query is valid").await;
            assert!(items(&found).is_empty(), "{id}: {name}={text} returns rows, although {why}");
        }
    }

    /// Returns the rows of all pages with this limit.
    async fn pages(&self, limit: usize) -> Vec<Value> {
        let (list, text) = (&self.resource.list, limit.to_string());
        let query = [("limit", text.as_str())];
        let call = self.client.call(list, &self.collection).query(&query);
        let mut page = call.expect(200, "the limit is valid").await;
        let mut rows = items(&page).to_vec();
        while let Some(cursor) = next(&page) {
            assert_eq!(items(&page).len(), limit, "{}: a page before the last is full", list.id);
            let following = self.follow(&page).await;
            if rows.len() == limit {
                let query = [query[0], ("cursor", cursor)];
                let call = self.client.call(list, &self.collection).query(&query);
                let by_cursor = call.expect(200, "the cursor is valid").await;
                assert_eq!(
                    following.body, by_cursor.body,
                    "{}: the pages of Link and `next`",
                    list.id
                );
            }
            page = following;
            rows.extend_from_slice(items(&page));
        }
        assert_eq!(page.header("link"), "", "{}: the Link of the last page", list.id);
        rows
    }

    /// Follows the `Link` header of a page and returns the next page.
    async fn follow(&self, page: &Reply) -> Reply {
        let (list, link) = (&self.resource.list, page.header("link"));
        let target = link.strip_prefix('<').and_then(|it| it.strip_suffix(">; rel=\"next\""));
        let target = target.unwrap_or_else(|| panic!("{}: the Link is {link:?}", list.id));
        self.client.call(list, target).expect(200, "the Link is valid").await
    }
}

fn filtered_value<'a>(row: &'a Value, field: &Field) -> &'a Value {
    let stored = &row[&field.name];
    if stored.is_array() { &stored[0] } else { stored }
}

fn items(page: &Reply) -> &[Value] {
    page.body["items"].as_array().expect("a list")
}

fn next(page: &Reply) -> Option<&str> {
    page.body["next"].as_str()
}
