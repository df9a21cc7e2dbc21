//! The id of a request in the log, in traces and in the audit log.

use std::sync::Arc;

use poem::Request;
use uuid::Uuid;

pub(super) const REQUEST_ID: &str = "x-request-id";

/// The id of a request in the log, in traces and in the audit log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// Returns the id that the middleware has set.
    pub(crate) fn of(request: &Request) -> Self {
        request.data::<Self>().expect("the middleware sets the request ID").clone()
    }
}

/// Returns the id that the client has sent if this id is safe to log, or otherwise a new id.
pub(super) fn request_id(request: &Request) -> String {
    let is_safe = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    request
        .header(REQUEST_ID)
        .filter(is_safe)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
