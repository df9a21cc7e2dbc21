//! The rows of a table that a request may access.

use store::{Row, accounts::Role};
use uuid::Uuid;

use super::kind::Kind;
use crate::auth::Caller;

/// The parent and the owner of the items that a request may access.
#[derive(Clone, Copy, Default)]
pub(super) struct Scope {
    pub(super) parent: Option<Uuid>,
    pub(super) owner: Option<Owner>,
}

/// The account that items belong to.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    account: Uuid,
    /// True for admins, who may access the items of every account.
    is_admin: bool,
}

impl From<&Caller> for Owner {
    fn from(caller: &Caller) -> Self {
        Self { account: caller.account_id, is_admin: caller.role == Role::Admin }
    }
}

impl Scope {
    /// Returns the query parameters for the parent and the owner, if the resource has them.
    pub(super) fn parameters(self, kind: &Kind) -> Vec<Option<Uuid>> {
        let parent = kind.parent.map(|_| Some(self.parent.unwrap_or_default()));
        let owner = kind.is_owned.then(|| match self.owner {
            Some(Owner { is_admin: true, .. }) => None,
            // Without a caller, the nil UUID is used, which matches no row.
            owner => Some(owner.map(|owner| owner.account).unwrap_or_default()),
        });
        parent.into_iter().chain(owner).collect()
    }

    /// Returns true if the request may access the row.
    pub(super) fn has(self, kind: &Kind, row: &Row) -> bool {
        let parent = kind.parent.is_none_or(|column| self.parent == Some(row.get(column)));
        let belongs_to =
            |owner: Owner| owner.is_admin || row.get::<_, Uuid>("owner_id") == owner.account;
        parent && (!kind.is_owned || self.owner.is_some_and(belongs_to))
    }

    /// Returns the columns that a new row gets from its scope.
    pub(super) fn columns(self, kind: &Kind) -> impl Iterator<Item = (&'static str, Uuid)> {
        let parent = kind.parent.map(|column| (column, self.parent.unwrap_or_default()));
        let account = self.owner.map(|owner| owner.account).unwrap_or_default();
        parent.into_iter().chain(kind.is_owned.then_some(("owner_id", account)))
    }
}
