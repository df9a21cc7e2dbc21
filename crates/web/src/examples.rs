//! Values that several examples of the OpenAPI document share.

use chrono::{DateTime, Utc};
use uuid::{Uuid, uuid};

/// The ID of the development account with the role `member`.
pub const ACCOUNT: Uuid = uuid!("01900000-0000-7000-a000-000000000002");
/// The ID of any other resource.
pub const OTHER: Uuid = uuid!("01900000-0000-7000-b000-000000000001");

/// A text with the format of a token. The token is not valid.
pub const TOKEN: &str = "slw_0000000000000000000000000000000000000000000";

/// Returns 2026-01-02T03:04:05Z.
pub fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045, 0).expect("a valid timestamp")
}
