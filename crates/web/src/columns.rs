//! Column types for enums, which are stored as `text`, and for JSON objects, which are stored as `jsonb`.

use std::{borrow::Cow, error::Error};

use bytes::BufMut;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value},
};
use serde_json::{Map, Value};

pub use bytes::BytesMut as Buffer;
pub use store::types::{FromSql, IsNull, ToSql, Type as SqlType};

/// The error of a value that does not fit its column.
pub type ValueError = Box<dyn Error + Sync + Send>;

/// Stores an enum as `text`, with the names that serde uses for its values.
#[macro_export]
macro_rules! enum_column {
    ($type:ty) => {
        impl $crate::columns::ToSql for $type {
            fn to_sql(
                &self,
                _: &$crate::columns::SqlType,
                out: &mut $crate::columns::Buffer,
            ) -> Result<$crate::columns::IsNull, $crate::columns::ValueError> {
                $crate::columns::write_name(self, out)
            }

            fn accepts(kind: &$crate::columns::SqlType) -> bool {
                *kind == $crate::columns::SqlType::TEXT
            }

            fn to_sql_checked(
                &self,
                kind: &$crate::columns::SqlType,
                out: &mut $crate::columns::Buffer,
            ) -> Result<$crate::columns::IsNull, $crate::columns::ValueError> {
                $crate::columns::ToSql::to_sql(self, kind, out)
            }
        }

        impl<'a> $crate::columns::FromSql<'a> for $type {
            fn from_sql(
                _: &$crate::columns::SqlType,
                raw: &'a [u8],
            ) -> Result<Self, $crate::columns::ValueError> {
                $crate::columns::read_name(raw)
            }

            fn accepts(kind: &$crate::columns::SqlType) -> bool {
                *kind == $crate::columns::SqlType::TEXT
            }
        }
    };
}

/// Writes the name of an enum value; see [`crate::enum_column!`].
///
/// # Errors
/// Returns an error if serde does not serialize the value to a string.
pub fn write_name(value: &impl Serialize, out: &mut Buffer) -> Result<IsNull, ValueError> {
    match serde_json::to_value(value)? {
        Value::String(name) => out.put_slice(name.as_bytes()),
        _ => return Err("an enum column requires a value that serializes to a string".into()),
    }
    Ok(IsNull::No)
}

/// Reads the name of an enum value; see [`crate::enum_column!`].
///
/// # Errors
/// Returns an error if the enum does not have a value with this name.
pub fn read_name<T: DeserializeOwned>(raw: &[u8]) -> Result<T, ValueError> {
    let name = std::str::from_utf8(raw)?;
    T::deserialize(IntoDeserializer::<value::Error>::into_deserializer(name)).map_err(Into::into)
}

/// A JSON object of any shape.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonObject(pub Map<String, Value>);

impl<'a> FromSql<'a> for JsonObject {
    fn from_sql(_: &SqlType, raw: &'a [u8]) -> Result<Self, ValueError> {
        // The binary format of `jsonb` starts with its version, which is one byte.
        Ok(serde_json::from_slice(raw.get(1..).unwrap_or_default())?)
    }

    fn accepts(kind: &SqlType) -> bool {
        *kind == SqlType::JSONB
    }
}

impl Type for JsonObject {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "object".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("object")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for JsonObject {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Object(object)) => Ok(Self(object)),
            _ => Err(poem_openapi::types::ParseError::expected_input()),
        }
    }
}

impl ToJSON for JsonObject {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}
