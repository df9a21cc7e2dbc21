//! POST and GET of an item.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Checks, assert_same};

impl Checks<'_> {
    pub(super) async fn create_returns_what_get_returns(&self) {
        let (resource, body) = (self.resource, self.body().await);
        let created = self.client.create(resource, &self.collection, &body).await;
        let id = &resource.create.id;
        assert_eq!(created.header("etag"), "\"1\"", "{id}: the ETag of a new row");
        let location =
            format!("{}/{}", self.collection, created.body["id"].as_str().expect("an id"));
        assert_eq!(created.header("location"), location, "{id}: the Location of the new row");
        let mut expected = body;
        for name in ["id", "owner_id", "created_at"] {
            expected[name] = created.body[name].clone();
        }
        for (parameter, value) in self.parents() {
            expected[parameter] = value;
        }
        expected["version"] = json!(1);
        assert_same(&resource.create, &expected, &created.body);
        let found = self.get(&location).await;
        assert_same(&resource.get, &created.body, &found);
        self.client.catalog.spec.assert_describes(&resource.create, 201, &created.body);
        self.client.catalog.spec.assert_describes(&resource.get, 200, &found);
    }

    pub(super) async fn idempotency_key_creates_once(&self) {
        let (create, body) = (&self.resource.create, self.body().await);
        if !create.has_parameter("header", "Idempotency-Key") {
            return;
        }
        let key = format!("key-{}", Uuid::now_v7());
        let keyed = |body: &Value| {
            self.client.call(create, &self.collection).json(body).header("idempotency-key", &key)
        };
        let first = keyed(&body).expect(201, "the key is new").await;
        let second = keyed(&body).repeated().expect(201, "the request is repeated").await;
        assert_eq!(first.body, second.body, "{}: the response to a repeated request", create.id);
        for name in ["location", "etag"] {
            assert_eq!(
                first.header(name),
                second.header(name),
                "{}: {name} of a repeated request",
                create.id
            );
        }
        let other = self.body().await;
        keyed(&other).expect(422, "the key came with another body").await;
        let theirs = keyed(&other).by(&self.client.app.administrator);
        theirs.expect(201, "the key is another account's").await;
    }

    pub(super) async fn if_none_match_returns_304(&self) {
        let (get, row) = (&self.resource.get, self.row().await);
        for (known, status) in [("\"1\"", 304), ("\"3\", \"1\"", 304), ("*", 304), ("\"2\"", 200)] {
            let call = self.client.call(get, &row.path).header("if-none-match", known);
            let found = call
                .expect(status, &format!("If-None-Match is {known} and the version is 1"))
                .await;
            assert_eq!(found.header("etag"), "\"1\"", "{}: the ETag of a row", get.id);
        }
    }

    /// Returns the path parameters of the collection with their values.
    fn parents(&self) -> Vec<(String, Value)> {
        let (names, values) = (self.resource.path.split('/'), self.collection.split('/'));
        let pairs = names.zip(values).filter(|(name, _)| name.starts_with('{'));
        pairs
            .map(|(name, value)| (name.trim_matches(['{', '}']).to_owned(), json!(value)))
            .collect()
    }
}
