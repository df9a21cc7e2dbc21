//! Pages and filters of a collection.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Checks, Field};

impl Checks<'_> {
    pub(super) async fn pages_have_no_gap_and_no_repeat(&self) {
        // Concurrent, so that the server sends them in one batch.
        let created = join_all((0..5).map(|_| self.row())).await;
        let id = &self.resource.list.id;
        let all = self.pages(&[("limit", "100")]).await;
        assert!(
            all.is_sorted_by_key(|row| row["id"].as_str()),
            "{id}: the rows must be in the order of their ids"
        );
        for row in &created {
            assert!(
                all.contains(&row.stored),
                "{id}: a row that was created is not in the list: {}",
                row.stored
            );
        }
        // A divisor, so that the last page is full.
        for limit in [all.len().div_ceil(4), all.len()] {
            let found = self.pages(&[("limit", &limit.min(100).to_string())]).await;
            assert!(
                found == all,
                "{id}: pages of {limit} must have the same rows as a page of 100"
            );
        }
        let page = self
            .client
            .call(&self.resource.list, &self.collection)
            .expect(200, "no parameter is required")
            .await;
        self.client.catalog.spec.assert_describes(&self.resource.list, 200, &page.body);
        let items = page.body["items"].as_array().expect("a list");
        assert_eq!(items.len(), all.len().min(20), "{id}: the default size of a page");
    }

    pub(super) async fn filters_narrow_the_list(&self) {
        for parameter in self.resource.list.parameters("query") {
            let name = parameter["name"].as_str().expect("a name");
            if ["limit", "cursor"].contains(&name) {
                continue;
            }
            let Some(field) = self.filtered_field(name) else { continue };
            let (row, other) = (self.row().await, self.row().await);
            let stored = &row.stored[&field.name];
            let value = if stored.is_array() { &stored[0] } else { stored };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let matches = |row: &Value| {
                let stored = &row[&field.name];
                stored == value || stored.as_array().is_some_and(|it| it.contains(value))
            };
            let id = &self.resource.list.id;
            let found = self.pages(&[(name, &text), ("limit", "2")]).await;
            assert!(found.contains(&row.stored), "{id}: {name}={text} must return {}", row.stored);
            let wrong = found.iter().find(|row| !matches(row));
            assert!(wrong.is_none(), "{id}: {name}={text} must not return {wrong:?}");
            assert!(
                matches(&other.stored) || !found.contains(&other.stored),
                "{id}: {name}={text}"
            );
        }
    }

    /// Returns the field that a parameter filters by. A filter by `tag_ids` is called `tag_id`, and a filter whose name
    /// has another meaning has a prefix.
    fn filtered_field(&self, parameter: &str) -> Option<&Field> {
        let fields = &self.resource.fields;
        let name = parameter.strip_prefix("filter_").unwrap_or(parameter);
        let by_name = fields.iter().find(|field| field.name == name);
        let is_of_another = name != parameter && self.resource.list.has_parameter("query", name);
        let by_item = fields.iter().find(|field| field.name.strip_suffix('s') == Some(name));
        let is_page = ["limit", "cursor"].contains(&name);
        by_name.filter(|_| is_page || !is_of_another).or(by_item)
    }

    /// Returns the rows of all pages, each found by the `Link` or the `next` of the page before.
    async fn pages(&self, query: &[(&str, &str)]) -> Vec<Value> {
        let (list, mut rows) = (&self.resource.list, Vec::new());
        let mut page = self
            .client
            .call(list, &self.collection)
            .query(query)
            .expect(200, "the query is valid")
            .await;
        loop {
            let items = page.body["items"].as_array().expect("a list").clone();
            rows.extend(items.iter().cloned());
            let link = page
                .header("link")
                .strip_prefix('<')
                .and_then(|it| it.strip_suffix(">; rel=\"next\""));
            let Some(next) = page.body.get("next").and_then(Value::as_str) else {
                assert_eq!(link, None, "{}: the last page must not have a Link", list.id);
                return rows;
            };
            let limit = query.iter().find(|(name, _)| *name == "limit").map(|(_, limit)| *limit);
            assert_eq!(
                Some(items.len().to_string().as_str()),
                limit,
                "{}: a page before the last must be full",
                list.id
            );
            let link = link
                .unwrap_or_else(|| panic!("{}: a page with a `next` must have a Link", list.id));
            let by_link = self.client.call(list, link).expect(200, "the Link is valid").await;
            let by_cursor = [query, &[("cursor", next)]].concat();
            let by_cursor = self
                .client
                .call(list, &self.collection)
                .query(&by_cursor)
                .expect(200, "the cursor is valid")
                .await;
            assert_eq!(
                json!(by_link.body),
                by_cursor.body,
                "{}: Link and cursor must lead to the same page",
                list.id
            );
            page = by_link;
        }
    }
}
