//! Audit entries of writes.

use serde_json::json;

use super::Checks;
use crate::harness::Write;

const ENTRIES: &str = "DELETE FROM audit_entries \
    RETURNING action, resource_id, account_id, request_id, token_id IS NOT NULL";

impl Checks<'_> {
    pub(super) async fn every_write_has_one_audit_entry(&self) {
        self.audit_lists_a_new_row_first().await;
        let database = self.client.app.database.connect().await;
        let mut found = Vec::new();
        for entry in database.query(ENTRIES, &[]).await.expect("rows") {
            let action: String = entry.get(0);
            assert!(entry.get::<_, bool>(4), "the audit entry of {action} has no token");
            let (resource_id, account_id) = (entry.get(1), entry.get(2));
            found.push(Write { action, resource_id, account_id, request_id: entry.get(3) });
        }
        let mut writes = self.client.take_writes();
        for write in &writes {
            let count = found.iter().filter(|entry| *entry == write).count();
            assert_eq!(count, 1, "the number of audit entries of {write:?}");
        }
        writes.sort();
        let unexpected = found.iter().find(|entry| writes.binary_search(entry).is_err());
        assert_eq!(unexpected, None, "an audit entry without a write");
    }

    /// Checks the order of audit entries and the filter by resource.
    async fn audit_lists_a_new_row_first(&self) {
        let (client, row) = (self.client, self.row().await);
        let list = client.catalog.spec.operation("GET", "/audit").expect("the audit is listed");
        let page = async |query: &[(&str, &str)]| {
            let call = client.call(list, "/audit").query(query);
            call.expect(200, "the query is valid").await.body["items"].clone()
        };
        let newest = page(&[("limit", "1")]).await;
        let entry = &newest[0];
        let id = &row.stored["id"];
        assert_eq!(entry["resource_id"], *id, "listChanges: the newest entry of the audit");
        let resource = entry["resource"].as_str().expect("a name");
        let filtered = page(&[("limit", "1"), ("resource", resource)]).await;
        assert_eq!(filtered, newest, "listChanges: the newest entry of {resource}");
        assert_eq!(page(&[("resource", "unknown")]).await, json!([]), "listChanges: no entry");
    }
}
