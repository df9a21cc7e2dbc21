//! The authenticated caller of a request.

use std::ops::Deref;

use store::{audit::Actor, tokens::Holder};

use crate::middleware::RequestId;

/// The authenticated caller of a request.
pub struct Caller {
    pub(super) holder: Holder,
    pub(super) request_id: RequestId,
}

impl Caller {
    /// Returns the caller as the actor of an audit entry for this operation.
    pub fn by(&self, action: &'static str) -> Actor {
        let (account_id, token_id) = (Some(self.account_id), Some(self.token_id));
        Actor { account_id, token_id, action, request_id: Some(self.request_id.0.clone()) }
    }
}

impl Deref for Caller {
    type Target = Holder;

    fn deref(&self) -> &Holder {
        &self.holder
    }
}
