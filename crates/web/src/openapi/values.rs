//! Iterators over JSON objects.

use serde_json::{Map, Value};

/// Iterates mutably over the members of an object. For other values, the iterator is empty.
pub(super) fn members_mut(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

/// Iterates over the members of an object. For other values, the iterator is empty.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
