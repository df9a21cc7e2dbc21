//! Versions as entity tags, for conditional requests (RFC 9110, 13.1).
//!
//! A proxy that compresses a response makes its tag weak: `"1"` becomes `W/"1"`. The version changes with every change
//! of the row, so both tags identify the same state. RFC 9110 requires a strong comparison for `If-Match`. This server
//! also accepts weak tags in `If-Match`, because clients behind such a proxy receive only weak tags.

use poem::http::HeaderValue;
use poem_openapi::{
    registry::MetaSchemaRef,
    types::{ToHeader, Type},
};

use crate::error::ApiError;

/// The version of a resource as a strong entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(pub i32);

/// Returns true if `If-None-Match` lists this version or is `*`.
pub fn matches(if_none_match: &str, tag: ETag) -> bool {
    versions(if_none_match).is_none_or(|versions| versions.contains(&tag.0))
}

/// Returns the versions in a list of tags, or `None` for `*`.
pub fn versions(list: &str) -> Option<Vec<i32>> {
    if list.trim() == "*" {
        return None;
    }
    let version = |tag: &str| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
        // Rejects other spellings of the same number, such as "01".
        (ETag(version).to_string() == tag).then_some(version)
    };
    Some(list.split(',').filter_map(version).collect())
}

/// Checks `If-Match` against the version of a row.
///
/// # Errors
/// [`ApiError::Stale`] if the header is present and does not match.
pub fn check(if_match: Option<&str>, version: i32) -> Result<(), ApiError> {
    match if_match.and_then(versions) {
        Some(versions) if !versions.contains(&version) => Err(ApiError::Stale),
        _ => Ok(()),
    }
}

impl std::fmt::Display for ETag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

impl ToHeader for ETag {
    fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.to_string()).ok()
    }
}

impl Type for ETag {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> std::borrow::Cow<'static, str> {
        "ETag".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        String::schema_ref()
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }

    fn raw_element_iter<'a>(
        &'a self,
    ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_accept_lists_and_the_weak_form_of_a_version() {
        for (tags, is_match) in [
            ("\"3\"", true),
            ("\"1\", \"3\"", true),
            ("\"1\",\"3\" , \"a,b\"", true),
            ("*", true),
            ("W/\"3\"", true),
            ("\"1\", W/\"3\"", true),
            ("w/\"3\"", false),
            ("W/\"1\"", false),
            ("3", false),
            ("\"03\"", false),
            ("\"33\"", false),
            ("", false),
        ] {
            assert_eq!(check(Some(tags), 3).is_ok(), is_match, "If-Match: {tags}");
            assert_eq!(matches(tags, ETag(3)), is_match, "If-None-Match: {tags}");
        }
    }
}
