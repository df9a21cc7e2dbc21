//! The audit of the writes.

use std::sync::PoisonError;

use uuid::Uuid;

use super::Checks;

/// A write that succeeded, as the audit must have it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Write {
    pub(super) action: String,
    pub(super) resource_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) request_id: String,
}

impl Checks<'_> {
    pub(super) async fn every_write_has_one_audit_entry(&self) {
        let row = self.row().await;
        let database = self.client.app.database.connect().await;
        let query = "DELETE FROM audit_entries RETURNING action, resource_id, account_id, request_id, resource, \
            token_id IS NOT NULL";
        let id: Uuid = row.stored["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
        self.assert_listed(id).await;
        let entries = database.query(query, &[]).await.expect("rows");
        let mut found = Vec::new();
        for entry in &entries {
            found.push(Write {
                action: entry.get(0),
                resource_id: entry.get(1),
                account_id: entry.get(2),
                request_id: entry.get(3),
            });
            assert!(
                entry.get::<_, bool>(5),
                "the audit entry of {} has no token",
                entry.get::<_, String>(0)
            );
        }
        let mut writes =
            std::mem::take(&mut *self.client.writes.lock().unwrap_or_else(PoisonError::into_inner));
        writes.sort();
        found.sort();
        for write in &writes {
            let count = found.iter().filter(|entry| *entry == write).count();
            assert_eq!(count, 1, "the audit entries of {write:?}");
        }
        let unexpected = found.iter().find(|entry| !writes.contains(entry));
        assert_eq!(unexpected, None, "an audit entry without a write");
    }

    /// Panics unless the audit lists the row that was created last first, under the name of its resource.
    async fn assert_listed(&self, id: Uuid) {
        let client = self.client;
        let audit = client.spec.operation("GET", "/audit").expect("the audit is listed");
        let page = client
            .call(audit, "/audit?limit=1")
            .by(&client.app.administrator)
            .expect(200, "the query is valid")
            .await;
        let entry = &page.body["items"][0];
        assert_eq!(entry["resource_id"], serde_json::json!(id), "the newest entry of the audit");
        let resource = entry["resource"].as_str().expect("a name");
        let call = client.call(audit, "/audit").by(&client.app.administrator);
        let filtered = call
            .query(&[("resource", resource), ("limit", "1")])
            .expect(200, "the resource exists")
            .await;
        assert_eq!(
            filtered.body["items"][0], *entry,
            "the newest entry of the audit of {resource}"
        );
    }
}
