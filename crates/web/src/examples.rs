//! What the examples of the document have in common.

use chrono::{DateTime, Utc};
use uuid::{Uuid, uuid};

/// The member for development.
pub const ACCOUNT: Uuid = uuid!("01900000-0000-7000-a000-000000000002");
/// A session, an API token, an entry of the audit.
pub const OTHER: Uuid = uuid!("01900000-0000-7000-b000-000000000001");

/// It looks like a token and is none.
pub const TOKEN: &str = "slw_0000000000000000000000000000000000000000000";

/// 2026-01-02T03:04:05Z.
pub fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045, 0).expect("chrono knows the year 2026")
}
