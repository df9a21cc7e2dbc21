//! Cursors: where a page ended, as an opaque text.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use db::persons as rows;
use uuid::Uuid;
use web::error::{ApiError, FieldError};

use super::PersonOrder;

/// The order to list in, from where the cursor says on.
///
/// # Errors
/// The cursor is not one that [`write()`] made for this order.
pub(crate) fn read(sort: PersonOrder, cursor: Option<&str>) -> Result<rows::Order, ApiError> {
    let after = cursor.map(|text| parse(sort, text)).transpose()?;
    Ok(match sort {
        PersonOrder::CreatedAt => rows::Order::Creation(after.map(|(_, id)| id)),
        PersonOrder::Name => rows::Order::Name(after),
    })
}

/// The cursor of the page after the one that ends with `last`.
pub(crate) fn write(order: &rows::Order, last: &rows::Person) -> String {
    let mut bytes = last.id.as_bytes().to_vec();
    if matches!(order, rows::Order::Name(_)) {
        bytes.extend_from_slice(last.name.as_bytes());
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The query of the page after this one.
pub(crate) fn query(next: &str, limit: u32, sort: PersonOrder, filter: &rows::Filter) -> String {
    let limit = limit.to_string();
    let given = [
        ("cursor", Some(next)),
        ("limit", Some(limit.as_str())),
        ("sort", Some(sort.as_str())),
        ("name_prefix", filter.name_prefix.as_deref()),
        ("email", filter.address.as_deref()),
    ];
    let given: Vec<_> =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    serde_urlencoded::to_string(given).expect("texts can be encoded")
}

fn parse(sort: PersonOrder, cursor: &str) -> Result<(String, Uuid), ApiError> {
    let parsed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| {
        let (id, name) = bytes.split_at_checked(16)?;
        let name = String::from_utf8(name.to_vec()).ok()?;
        let fits = (sort == PersonOrder::Name) != name.is_empty() && !name.contains('\0');
        fits.then_some((name, Uuid::from_slice(id).ok()?))
    });
    parsed.ok_or_else(|| {
        let detail = "must be the `next` of a page in this order, as it is";
        ApiError::Invalid(vec![FieldError::parameter("cursor", detail)])
    })
}
