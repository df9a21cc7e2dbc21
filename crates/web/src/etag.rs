//! Versions as entity tags, and conditional requests (RFC 9110, 13.1).

use poem::http::HeaderValue;
use poem_openapi::{
    registry::MetaSchemaRef,
    types::{ToHeader, Type},
};

use crate::error::ApiError;

/// The version of a resource as a strong entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(pub i32);

/// Returns true if `If-None-Match` is `*` or lists this version. The comparison is weak (RFC 9110, 8.8.3.2).
pub fn matches(if_none_match: &str, tag: ETag) -> bool {
    if_none_match.trim() == "*"
        || tags(if_none_match)
            .any(|known| known.strip_prefix("W/").unwrap_or(known) == tag.to_string())
}

/// Returns the versions that `If-Match` lists, or `None` for `*`. Weak tags never match.
pub fn versions(if_match: &str) -> Option<Vec<i32>> {
    if if_match.trim() == "*" {
        return None;
    }
    let version = |tag: &str| {
        let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
        // Rejects every other spelling of the number, such as "01".
        (ETag(version).to_string() == tag).then_some(version)
    };
    Some(tags(if_match).filter_map(version).collect())
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

/// Returns the tags of a list.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
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
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        for (tags, is_strong_match, is_weak_match) in [
            ("\"3\"", true, true),
            ("\"1\", \"3\"", true, true),
            ("*", true, true),
            ("W/\"3\"", false, true),
            ("\"1\", W/\"3\"", false, true),
            ("3", false, false),
            ("\"03\"", false, false),
            ("\"33\"", false, false),
            ("", false, false),
        ] {
            assert_eq!(check(Some(tags), 3).is_ok(), is_strong_match, "{tags}");
            assert_eq!(matches(tags, ETag(3)), is_weak_match, "{tags}");
        }
    }
}
