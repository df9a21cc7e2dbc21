//! The state of a comparison of two documents.

use serde_json::{Map, Value};

/// The direction of a value. A new version may accept more values in requests, but not fewer. Responses may contain
/// fewer values, but not more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// Two documents, and the breaking changes found so far.
pub(crate) struct Comparison<'a> {
    pub(crate) old: &'a Value,
    pub(crate) new: &'a Value,
    pub(crate) found: Vec<String>,
    /// The references that were already followed, because a schema can refer to itself.
    pub(crate) seen: Vec<(Direction, String, String)>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(old: &'a Value, new: &'a Value) -> Self {
        Self { old, new, found: Vec::new(), seen: Vec::new() }
    }
}

/// Returns the target of a `$ref`, or the value itself.
pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#'));
    reference.and_then(|it| document.pointer(it)).unwrap_or(value)
}

/// Returns the members of an object.
pub(crate) fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
