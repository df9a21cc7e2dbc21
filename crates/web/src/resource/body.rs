//! Response bodies, serialized directly to bytes.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use store::Row;
use uuid::Uuid;

use super::kind::Kind;

/// Returns a row as JSON: the fields of the resource, and the columns that every resource has.
pub(super) fn item(kind: &Kind, row: &Row) -> Bytes {
    let mut body = Vec::with_capacity(256);
    put(&mut body, kind, row);
    body.into()
}

/// Returns a page of rows as JSON. `next` is the cursor of the following page.
pub(super) fn page(kind: &Kind, rows: &[Row], next: Option<Uuid>) -> Bytes {
    let mut body = Vec::with_capacity(64 + 256 * rows.len());
    body.extend_from_slice(b"{\"items\":[");
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        put(&mut body, kind, row);
    }
    body.push(b']');
    if let Some(next) = next {
        put_id(&mut body, ",\"next\":", next);
    }
    body.push(b'}');
    body.into()
}

fn put(body: &mut Vec<u8>, kind: &Kind, row: &Row) {
    #[derive(Serialize)]
    struct Common {
        version: i32,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    }
    let common = Common {
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    };
    put_id(body, "{\"id\":", row.get("id"));
    for column in kind.scope_columns() {
        put_id(body, &format!(",\"{column}\":"), row.get(column));
    }
    append(body, |body| (kind.write)(row, body));
    append(body, |body| serde_json::to_writer(body, &common).expect("fields have text keys"));
    body.push(b'}');
}

fn put_id(body: &mut Vec<u8>, name: &str, id: Uuid) {
    body.extend_from_slice(name.as_bytes());
    body.push(b'"');
    let text = id.hyphenated();
    body.extend_from_slice(text.encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    body.push(b'"');
}

/// Appends the members of the object that `write` writes to the open object at the end of `body`.
fn append(body: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = body.len();
    write(body);
    body.pop();
    match body.len() - start {
        // `write` has added an empty object.
        1 => body.truncate(start),
        _ => body[start] = b',',
    }
}
