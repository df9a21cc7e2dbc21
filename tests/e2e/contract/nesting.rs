//! Resources below a parent.

use serde_json::json;

use super::Checks;

impl Checks<'_> {
    pub(super) async fn rows_belong_to_their_parent(&self) {
        if self.resource.parent_path().is_none() {
            return;
        }
        let Checks { client, resource, .. } = self;
        let (row, body) = (self.row().await, self.body().await);
        let (parent, segment) = self.collection.rsplit_once('/').expect("a path");
        let (parents, _) = parent.rsplit_once('/').expect("a path");
        for parent in ["00000000-0000-7000-8000-000000000000", "x"] {
            let unknown = format!("{parents}/{parent}/{segment}");
            let why = "no row has the id of the parent";
            client.call(&resource.list, &unknown).expect(404, why).await;
            client.call(&resource.create, &unknown).json(&body).expect(404, why).await;
        }
        let other = client.collection(resource).await;
        let path = format!("{other}/{}", row.stored["id"].as_str().expect("an id"));
        let why = "the row belongs to another parent";
        self.assert_missing(&path, why).await;
        self.assert_hidden(&row.stored, &other, &client.app.member, why).await;
        let page = client.call(&resource.list, &other).expect(200, "the parent exists").await;
        assert_eq!(page.body["items"], json!([]), "{}: a new parent", resource.list.id);
        assert_eq!(self.get(&row.path).await, row.stored, "{}: the row", resource.get.id);
    }
}
