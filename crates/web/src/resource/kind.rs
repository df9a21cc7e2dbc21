//! The properties of a resource, without its types.

use serde_json::Value;
use store::Row;

/// Appends the fields of a row to a JSON object.
pub(super) type WriteFields = fn(&Row, &mut Vec<u8>);

/// Returns the patch in canonical form, or an error if a value is invalid.
pub(super) type CheckPatch = fn(&Value) -> Result<Value, serde_json::Error>;

/// The properties of a resource.
pub(super) struct Kind {
    pub(super) path: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) parent: Option<&'static str>,
    pub(super) is_owned: bool,
    pub(super) write: WriteFields,
    pub(super) check_patch: CheckPatch,
}

impl Kind {
    /// Returns the columns with the parent and the owner of a row.
    pub(super) fn scope_columns(&self) -> impl Iterator<Item = &'static str> {
        self.parent.into_iter().chain(self.is_owned.then_some("owner_id"))
    }
}
