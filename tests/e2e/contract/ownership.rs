//! Resources whose rows belong to an account.

use serde_json::json;

use super::{Checks, assert_same};

impl Checks<'_> {
    pub(super) async fn rows_belong_to_their_owner(&self) {
        if !self.resource.is_owned {
            return;
        }
        let Checks { client, resource, other, .. } = self;
        let (row, admin, why) =
            (self.row().await, &client.app.administrator, "another account owns the row");
        let create = &resource.create.id;
        assert_eq!(
            row.stored["owner_id"],
            json!(client.app.member.account),
            "{create}: the owner of a new row"
        );
        client.call(&resource.get, &row.path).by(other).expect(404, why).await;
        for operation in resource.writes() {
            let body = self.body_for(operation).await.unwrap_or_default();
            client.call(operation, &row.path).by(other).json(&body).expect(404, why).await;
        }
        assert_same(&resource.get, &row.stored, &self.get(&row.path).await);
        for (caller, sees_all) in [(*other, false), (admin, true)] {
            let call =
                client.call(&resource.list, &self.collection).by(caller).query(&[("limit", "100")]);
            let page = call.expect(200, "the query is valid").await;
            let owners =
                page.body["items"].as_array().expect("a list").iter().map(|row| &row["owner_id"]);
            let sees_others = owners.into_iter().any(|owner| *owner != json!(caller.account));
            assert_eq!(
                sees_others, sees_all,
                "{}: the list has rows of other accounts",
                resource.list.id
            );
        }
        client.call(&resource.get, &row.path).by(admin).expect(200, "admins see all rows").await;
        for operation in resource.writes().filter(|it| it.method != "DELETE") {
            let body = self.body().await;
            let changed = client
                .call(operation, &row.path)
                .by(admin)
                .json(&body)
                .expect(200, "admins change all rows")
                .await;
            assert_eq!(
                changed.body["owner_id"], row.stored["owner_id"],
                "{}: the owner after a change",
                operation.id
            );
        }
        if let Some(delete) = &resource.delete {
            client.call(delete, &row.path).by(admin).expect(204, "admins delete all rows").await;
            let own = self.row().await;
            client
                .call(delete, &own.path)
                .by(&client.app.member)
                .expect(204, "members delete their rows")
                .await;
        }
    }
}
