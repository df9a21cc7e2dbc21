//! The fields of a resource that clients write, and their columns.

use poem_openapi::types::{Example, Type};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use store::Row;

/// The fields of a resource that clients write. [`crate::columns!`] implements it.
pub trait Fields: Serialize + DeserializeOwned + Type + Example + Send + Sync + 'static {
    /// The names of the fields in JSON, which are also the names of the columns.
    const COLUMNS: &'static [&'static str];
    /// The column with the id of the parent, for a nested resource.
    const PARENT: Option<&'static str>;
    /// True if the column `owner_id` contains the account that owns a row.
    const IS_OWNED: bool;

    /// Returns the fields of a row.
    fn read(row: &Row) -> Self;
}

/// Implements [`Fields`] for a struct whose fields have the names of their columns.
///
/// ```text
/// columns!(CreateBook: title, r#type, end_ as "end");
/// columns!(CreateNote: text; under person_id; owned);
/// ```
#[macro_export]
macro_rules! columns {
    ($fields:ty: $($field:ident $(as $name:literal)?),+ $(; under $parent:ident)? $(; owned $($owned:literal)?)?) => {
        impl $crate::resource::Fields for $fields {
            const COLUMNS: &'static [&'static str] = &[$($crate::columns!(@name $field $($name)?)),+];
            const PARENT: Option<&'static str> =
                [$(Some(stringify!($parent)),)? None::<&'static str>][0];
            const IS_OWNED: bool = [$({ $($owned;)? true },)? false][0];

            fn read(row: &$crate::resource::Columns) -> Self {
                Self { $($field: row.get($crate::columns!(@name $field $($name)?))),+ }
            }
        }
    };
    (@name $field:ident $name:literal) => { $name };
    (@name $field:ident) => { const { $crate::resource::field_name(stringify!($field)) } };
}

/// Returns the name of a field without the `r#` of a raw identifier.
pub const fn field_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Returns the fields as a JSON object.
pub(super) fn to_json<T: Fields>(fields: &T) -> Map<String, Value> {
    match serde_json::to_value(fields) {
        Ok(Value::Object(object)) => object,
        _ => unreachable!("a struct with named fields is a JSON object"),
    }
}

/// Appends the fields of a row as a JSON object.
pub(super) fn write<T: Fields>(row: &Row, body: &mut Vec<u8>) {
    serde_json::to_writer(body, &T::read(row)).expect("fields have text keys");
}

/// Returns the patch in canonical form. The values are parsed as part of the example, because parsing needs all fields
/// and the patch contains only some.
///
/// # Errors
/// Returns an error if a value is invalid, such as a text that is not a date.
pub(super) fn check_patch<T: Fields>(patch: &Value) -> Result<Value, serde_json::Error> {
    let mut fields = serde_json::to_value(T::example())?;
    let names = patch.as_object().into_iter().flatten();
    for (name, value) in names.clone() {
        fields[name] = value.clone();
    }
    let mut parsed = to_json(&serde_json::from_value::<T>(fields)?);
    let value = |name: &String| (name.clone(), parsed.remove(name).unwrap_or(Value::Null));
    Ok(names.map(|(name, _)| name).map(value).collect::<Map<_, _>>().into())
}
