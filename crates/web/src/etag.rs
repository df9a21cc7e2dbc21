//! Versions as entity tags: what a client has read, and whether it is still so (RFC 9110, 13.1).

use poem::http::HeaderValue;
use poem_openapi::{
    registry::MetaSchemaRef,
    types::{ToHeader, Type},
};

use crate::error::ApiError;

/// The version of a resource as a strong entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(pub i32);

/// `If-None-Match`: whether one of the tags that the client knows is this one.
pub fn matches(known: &str, tag: ETag) -> bool {
    known.trim() == "*" || tags(known).any(|known| known == tag.to_string())
}

/// `If-Match`: goes on if the client sent none, or the tag of this version.
///
/// # Errors
/// [`ApiError::Stale`] otherwise.
pub fn check(if_match: Option<&str>, version: i32) -> Result<(), ApiError> {
    match if_match {
        Some(known) if !matches(known, ETag(version)) => Err(ApiError::Stale),
        _ => Ok(()),
    }
}

/// The tags of a list. A weak one never matches: it does not vouch for the very bytes.
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
    fn a_list_matches_by_any_of_its_strong_tags() {
        for (known, is_match) in [
            ("\"3\"", true),
            ("\"1\", \"3\"", true),
            ("*", true),
            ("W/\"3\"", false),
            ("3", false),
            ("\"33\"", false),
            ("", false),
        ] {
            assert_eq!(matches(known, ETag(3)), is_match, "{known}");
        }
    }
}
