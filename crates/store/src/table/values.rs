//! Values of query parameters.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A text of JSON, as a parameter of type `jsonb`.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a>(pub &'a str);

impl ToSql for Json<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // The binary format of `jsonb` starts with its version.
        out.put_u8(1);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }

    to_sql_checked!();
}

/// The value of a filter, which is `NULL` if the client did not give it.
#[derive(Debug)]
pub struct Filter(Option<Box<dyn ToSql + Send + Sync>>);

impl Filter {
    pub(super) fn is_set(&self) -> bool {
        self.0.is_some()
    }
}

impl<T: ToSql + Send + Sync + 'static> From<Option<T>> for Filter {
    fn from(value: Option<T>) -> Self {
        Self(value.map(|value| Box::new(value) as Box<dyn ToSql + Send + Sync>))
    }
}

impl ToSql for Filter {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Some(value) => value.to_sql_checked(kind, out),
            None => Ok(IsNull::Yes),
        }
    }

    /// Accepts all types, because the value is checked when it is sent to PostgreSQL.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
