//! Types for texts from clients. The limits of each type are part of its schema in the OpenAPI document. Bodies are
//! validated against the schema before they are parsed.

use std::{borrow::Cow, sync::LazyLock};

use bytes::BytesMut;
use jsonschema::Validator;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use store::types::{FromSql, IsNull, ToSql, Type as SqlType, to_sql_checked};

/// Control characters and characters that change the writing direction, for a character class of a pattern.
macro_rules! invisible {
    () => {
        r"\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069"
    };
}

/// The pattern of a line: no invisible characters, and at least one that is not white space.
const LINE: &str =
    concat!("^[^", invisible!(), "]*[^\\s", invisible!(), "][^", invisible!(), "]*$");

/// The pattern of an email address: text, an @, and text. Only a message to the address could verify it.
const EMAIL: &str = concat!("^[^\\s@", invisible!(), "]+@[^\\s@", invisible!(), "]+$");

/// The pattern of a URL: a scheme, a host, and no spaces.
const URL: &str = concat!("^https?://[^\\s/", invisible!(), "]+(/[^\\s", invisible!(), "]*)?$");

/// A line of text of 1 to `MAX` characters that is not only white space.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(pub String);

/// An e-mail address of 3 to 254 characters. It is converted to lower case, which is the canonical form for storage,
/// comparison and limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct EmailAddress(pub String);

impl From<String> for EmailAddress {
    fn from(text: String) -> Self {
        Self(text.to_lowercase())
    }
}

/// A decimal number as text, such as `"1.50"`, with up to `DIGITS` digits, `SCALE` of them after the point.
///
/// Queries must select the column as `column::text`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal<const DIGITS: usize, const SCALE: usize>(pub String);

/// Returns the pattern of a decimal number, without leading zeros.
fn decimal(digits: usize, scale: usize) -> String {
    let whole = match digits - scale {
        0 => "0".to_owned(),
        1 => "[0-9]".to_owned(),
        digits => format!("(0|[1-9][0-9]{{0,{}}})", digits - 1),
    };
    let part = if scale == 0 { String::new() } else { format!("(\\.[0-9]{{1,{scale}}})?") };
    format!("^-?{whole}{part}$")
}

/// A URL of up to 2,000 characters, with the scheme `http` or `https`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Url(pub String);

/// A search text of `MIN` to `MAX` characters without NUL, which PostgreSQL does not accept.
#[derive(Debug)]
pub struct Search<const MIN: usize, const MAX: usize>(pub String);

/// The `Idempotency-Key` header of a request: 1 to 255 visible ASCII characters.
pub struct IdempotencyKey(pub String);

/// A password of 12 to 128 characters. `Debug` does not show it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self(password.to_owned())
    }
}

impl Example for Password {
    fn example() -> Self {
        "correct horse battery staple".into()
    }
}

impl From<Password> for config::Secret {
    fn from(password: Password) -> Self {
        password.0.into()
    }
}

/// Implements [`ToSql`] and [`FromSql`] for a text type.
macro_rules! text_column {
    ($type:ty, [$($parameters:tt)*]) => {
        impl<$($parameters)*> ToSql for $type {
            fn to_sql(
                &self,
                kind: &SqlType,
                out: &mut BytesMut,
            ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
                self.0.to_sql(kind, out)
            }

            fn accepts(kind: &SqlType) -> bool {
                <String as ToSql>::accepts(kind)
            }

            to_sql_checked!();
        }

        impl<'a, $($parameters)*> FromSql<'a> for $type {
            fn from_sql(
                kind: &SqlType,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                String::from_sql(kind, raw).map(Self)
            }

            fn accepts(kind: &SqlType) -> bool {
                <String as FromSql>::accepts(kind)
            }
        }
    };
}

text_column!(Line<MAX>, [const MAX: usize]);
text_column!(EmailAddress, []);
text_column!(Url, []);
text_column!(Decimal<DIGITS, SCALE>, [const DIGITS: usize, const SCALE: usize]);
text_column!(Search<MIN, MAX>, [const MIN: usize, const MAX: usize]);

/// Implements the traits of poem-openapi for a text type with these limits.
macro_rules! text_type {
    ($type:ty, [$($parameters:tt)*], $min:expr, $max:expr, $pattern:expr) => {
        impl<$($parameters)*> Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                "string".into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new(MetaSchema {
                    min_length: Some($min),
                    max_length: Some($max),
                    pattern: Some($pattern.to_owned()),
                    ..MetaSchema::new("string")
                }))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl<$($parameters)*> ParseFromJSON for $type {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                String::parse_from_json(value).map(Self).map_err(|error| error.propagate())
            }
        }

        impl<$($parameters)*> ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                Some(Value::String(self.0.clone()))
            }
        }
    };
}

text_type!(Line<MAX>, [const MAX: usize], 1, MAX, LINE);
text_type!(EmailAddress, [], 3, 254, EMAIL);
text_type!(
    Decimal<DIGITS, SCALE>,
    [const DIGITS: usize, const SCALE: usize],
    1,
    // The sign and the decimal point need two more characters. The zero in a number such as `0.5` needs one more.
    DIGITS + 2 + usize::from(DIGITS == SCALE),
    decimal(DIGITS, SCALE)
);
text_type!(Url, [], 8, 2000, URL);
text_type!(Password, [], 12, 128, LINE);
text_type!(Search<MIN, MAX>, [const MIN: usize, const MAX: usize], MIN, MAX, "^[^\\u0000]*$");
text_type!(IdempotencyKey, [], 1, 255, "^[!-~]*$");

impl<const MIN: usize, const MAX: usize> ParseFromParameter for Search<MIN, MAX> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let is_valid = (MIN..=MAX).contains(&value.chars().count()) && !value.contains('\0');
        is_valid.then(|| Self(value.to_owned())).ok_or_else(ParseError::expected_input)
    }
}

/// Checks parameters against the schema of [`EmailAddress`]. Bodies are checked by [`crate::validation`].
static EMAIL_VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::to_value(EmailAddress::schema_ref()).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is valid")
});

impl ParseFromParameter for EmailAddress {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let is_valid = EMAIL_VALIDATOR.is_valid(&value.into());
        is_valid.then(|| value.to_owned().into()).ok_or_else(ParseError::expected_input)
    }
}

impl ParseFromParameter for IdempotencyKey {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let is_valid =
            (1..=255).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
        is_valid.then(|| Self(value.to_owned())).ok_or_else(ParseError::expected_input)
    }
}

/// Deserializes a list and keeps only the first of equal items. For `#[serde(deserialize_with = "deduplicate")]`.
///
/// # Errors
/// Returns the errors of the items.
pub fn deduplicate<'de, T: Deserialize<'de> + PartialEq, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let mut unique = Vec::new();
    for item in Vec::<T>::deserialize(deserializer)? {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    Ok(unique)
}
