//! POST, and GET of an item.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Checks, assert_same};

impl Checks<'_> {
    pub(super) async fn create_returns_what_get_returns(&self) {
        let Checks { client, resource, .. } = self;
        let (create, get) = (&resource.create.id, &resource.get.id);
        let body = self.body().await;
        let created = client.create(resource, &self.collection, &body).await;
        assert_eq!(created.header("etag"), "\"1\"", "{create}: the ETag of a new row");
        let id = created.body["id"].as_str().expect("an id");
        let location = format!("{}/{id}", self.collection);
        assert_eq!(created.header("location"), location, "{create}: the Location of a new row");
        let mut expected = body;
        for name in ["id", "owner_id", "created_at"] {
            expected[name] = created.body[name].clone();
        }
        for (parameter, value) in self.parents() {
            expected[parameter] = value;
        }
        expected["version"] = json!(1);
        assert_same(&resource.create, &expected, &created.body);
        client.catalog.spec.assert_describes(&resource.create, 201, &created.body);
        let found = self.get(&location).await;
        assert_same(&resource.get, &created.body, &found);
        client.catalog.spec.assert_describes(&resource.get, 200, &found);
        for (known, status) in [("\"3\", \"1\"", 304), ("\"2\"", 200)] {
            let call = client.call(&resource.get, &location).header("if-none-match", known);
            let why = format!("If-None-Match is {known} and the version is 1");
            let found = call.expect(status, &why).await;
            assert_eq!(found.header("etag"), "\"1\"", "{get}: the ETag of a row");
        }
    }

    pub(super) async fn idempotency_key_creates_once(&self) {
        let create = &self.resource.create;
        if !create.has_parameter("header", "Idempotency-Key") {
            return;
        }
        let (body, other) = (self.body().await, self.body().await);
        let key = Uuid::now_v7().to_string();
        let keyed = |body: &Value| {
            self.client.call(create, &self.collection).json(body).header("idempotency-key", &key)
        };
        let first = keyed(&body).expect(201, "the key is new").await;
        let second = keyed(&body).repeated().expect(201, "the request is repeated").await;
        assert_eq!(first.body, second.body, "{}: the repeated response", create.id);
        for name in ["location", "etag"] {
            let (first, second) = (first.header(name), second.header(name));
            assert_eq!(first, second, "{}: the {name} of the repeated response", create.id);
        }
        keyed(&other).expect(422, "the key came with another body").await;
        let others = keyed(&other).by(&self.client.app.administrator);
        others.expect(201, "the key is another account's").await;
    }

    /// Returns the path parameters of the collection with their values.
    fn parents(&self) -> Vec<(String, Value)> {
        let (names, values) = (self.resource.path.split('/'), self.collection.split('/'));
        let pairs = names.zip(values).filter(|(name, _)| name.starts_with('{'));
        pairs.map(|(name, it)| (name.trim_matches(['{', '}']).to_owned(), json!(it))).collect()
    }
}
