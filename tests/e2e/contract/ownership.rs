//! Resources whose rows belong to an account.

use serde_json::json;

use super::Checks;

impl Checks<'_> {
    pub(super) async fn rows_belong_to_their_owner(&self) {
        if !self.resource.is_owned {
            return;
        }
        let Checks { client, resource, other, .. } = self;
        let (row, admin) = (self.row().await, &client.app.administrator);
        let (owner, why) = (&row.stored["owner_id"], "another account owns the row");
        let create = &resource.create.id;
        assert_eq!(*owner, json!(client.app.member.account), "{create}: the owner of a new row");
        client.call(&resource.get, &row.path).by(other).expect(404, why).await;
        for operation in resource.writes() {
            let call = client.call(operation, &row.path).by(other).json(&self.body().await);
            call.expect(404, why).await;
        }
        assert_eq!(self.get(&row.path).await, row.stored, "{}: the row", resource.get.id);
        for (caller, sees_others) in [(*other, false), (admin, true)] {
            let call = client.call(&resource.list, &self.collection).by(caller);
            let page = call.query(&[("limit", "100")]).expect(200, "the list exists").await;
            let rows = page.body["items"].as_array().expect("a list");
            let found = rows.iter().any(|row| row["owner_id"] != json!(caller.account));
            assert_eq!(found, sees_others, "{}: rows of other accounts", resource.list.id);
        }
        self.assert_hidden(&row.stored, &self.collection, other, why).await;
        let call = client.call(&resource.get, &row.path).by(admin);
        call.expect(200, "admins read all rows").await;
        for operation in resource.writes() {
            let is_delete = operation.method == "DELETE";
            let call = client.call(operation, &row.path).by(admin).json(&self.body().await);
            let status = if is_delete { 204 } else { 200 };
            let changed = call.expect(status, "admins change all rows").await.body;
            assert!(is_delete || changed["owner_id"] == *owner, "{}: the owner", operation.id);
        }
    }
}
