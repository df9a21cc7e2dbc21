//! Tests which changes of a small document are reported.

use serde_json::{Value, json};

use super::breaking;

fn document() -> Value {
    json!({
        "paths": { "/books/{id}": { "put": {
            "security": [],
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                { "name": "sort", "in": "query", "schema": { "enum": ["title", "year"] } },
            ],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } },
            },
            "responses": {
                "200": {
                    "headers": { "ETag": {} },
                    "content": {
                        "application/json": { "schema": { "$ref": "#/components/schemas/Book" } },
                    },
                },
                "404": {},
            },
        } } },
        "components": { "schemas": {
            "New": {
                "type": "object",
                "required": ["title"],
                "properties": {
                    "title": { "type": "string", "minLength": 1, "maxLength": 200 },
                    "year": { "type": ["integer", "null"] },
                    "kind": { "$ref": "#/components/schemas/Kind" },
                    "tags": { "type": "array", "items": { "type": "string" } },
                },
            },
            "Book": {
                "type": "object",
                "required": ["title", "kind"],
                "properties": {
                    "title": { "type": "string" },
                    "kind": { "$ref": "#/components/schemas/Kind" },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Book" } },
                },
            },
            "Kind": { "type": "string", "enum": ["novel", "poem"] },
        } },
    })
}

const PUT: &str = "/paths/~1books~1{id}/put";
const BODY: &str = "/components/schemas/New";
const BOOK: &str = "/components/schemas/Book";

/// Returns the reported changes if `value` replaces the value at `pointer`. `null` removes the old value.
fn change(pointer: &str, value: Value) -> Vec<String> {
    let mut new = document();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let (parent, key) = (new.pointer_mut(parent).expect(pointer), key.replace("~1", "/"));
    match (parent, value) {
        (Value::Array(items), Value::Null) => drop(items.remove(key.parse().expect("a number"))),
        (Value::Array(items), value) => items.push(value),
        (Value::Object(fields), Value::Null) => drop(fields.remove(&key)),
        (Value::Object(fields), value) => drop(fields.insert(key, value)),
        (other, _) => panic!("{pointer}: {other}"),
    }
    breaking(&document(), &new)
}

#[test]
fn breaking_changes_are_reported_with_their_place() {
    let token = json!({ "name": "token", "in": "header", "required": true, "schema": {} });
    let put = |place: &str| format!("{PUT}{place}");
    let body = |place: &str| format!("{BODY}{place}");
    let book = |place: &str| format!("{BOOK}{place}");
    for (pointer, value, message) in [
        (PUT.to_owned(), Value::Null, "PUT /books/{} was removed"),
        (put("/security"), json!([{ "token": [] }]), "PUT /books/{}: now requires a token"),
        (put("/parameters/1"), Value::Null, "PUT /books/{}, parameter sort: was removed"),
        (put("/parameters/2"), token, "PUT /books/{}, parameter token: is new and required"),
        (
            put("/parameters/1/required"),
            json!(true),
            "PUT /books/{}, parameter sort: is now required",
        ),
        (
            put("/parameters/1/schema/enum/1"),
            Value::Null,
            "PUT /books/{}, parameter sort: no longer accepts \"year\"",
        ),
        (put("/responses/200"), Value::Null, "PUT /books/{}, 200: was removed"),
        (
            put("/responses/200/headers/ETag"),
            Value::Null,
            "PUT /books/{}, 200: the header ETag was removed",
        ),
        (
            put("/responses/200/content/application~1json"),
            Value::Null,
            "PUT /books/{}, 200: the media type application/json was removed",
        ),
        (put("/requestBody"), Value::Null, "PUT /books/{}, body: was removed"),
        (body("/required/1"), json!("year"), "PUT /books/{}, body/year: is now required"),
        (body("/properties/year"), Value::Null, "PUT /books/{}, body/year: was removed"),
        (
            body("/properties/year/type"),
            json!("integer"),
            "PUT /books/{}, body/year: the type changed from integer or null to integer",
        ),
        (
            body("/properties/title/maxLength"),
            json!(100),
            "PUT /books/{}, body/title: now has a stricter maxLength, 100",
        ),
        (
            body("/properties/title/minLength"),
            json!(2),
            "PUT /books/{}, body/title: now has a stricter minLength, 2",
        ),
        (
            body("/properties/title/pattern"),
            json!("^a"),
            "PUT /books/{}, body/title: must now have the pattern \"^a\"",
        ),
        (
            body("/properties/tags/items/type"),
            json!("integer"),
            "PUT /books/{}, body/tags/*: the type changed from string to integer",
        ),
        (
            body("/additionalProperties"),
            json!(false),
            "PUT /books/{}, body: no longer accepts additional fields",
        ),
        (book("/properties/title"), Value::Null, "PUT /books/{}, 200/title: was removed"),
        (book("/required/0"), Value::Null, "PUT /books/{}, 200/title: may now be absent"),
        (
            book("/properties/title/type"),
            json!(["string", "null"]),
            "PUT /books/{}, 200/title: the type changed from string to string or null",
        ),
        (
            book("/properties/kind"),
            json!({ "anyOf": [{ "$ref": "#/components/schemas/Kind" }, { "type": "null" }] }),
            "PUT /books/{}, 200/kind: may now have another type",
        ),
        (
            "/components/schemas/Kind/enum/2".to_owned(),
            json!("play"),
            "PUT /books/{}, 200/kind: may now be \"play\"",
        ),
        (
            "/components/schemas/Kind/enum/0".to_owned(),
            Value::Null,
            "PUT /books/{}, body/kind: no longer accepts \"novel\"",
        ),
    ] {
        assert_eq!(change(&pointer, value), [message], "{pointer}");
    }
}

#[test]
fn compatible_changes_are_not_reported() {
    let limit = json!({ "name": "limit", "in": "query", "schema": { "type": "integer" } });
    let put = |place: &str| format!("{PUT}{place}");
    let body = |place: &str| format!("{BODY}{place}");
    let book = |place: &str| format!("{BOOK}{place}");
    for (pointer, value) in [
        ("/paths/~1persons".to_owned(), json!({ "get": {} })),
        (put("/summary"), json!("Replace a book")),
        (put("/parameters/2"), limit),
        (put("/parameters/0/name"), json!("book_id")),
        (put("/parameters/1/schema/enum/2"), json!("author")),
        (put("/responses/404"), Value::Null),
        (put("/responses/202"), json!({})),
        (body("/required/0"), Value::Null),
        (body("/properties/subtitle"), json!({ "type": "string" })),
        (body("/properties/year/type"), json!(["number", "null"])),
        (body("/properties/title/maxLength"), json!(300)),
        (
            body("/properties/kind"),
            json!({ "anyOf": [{ "$ref": "#/components/schemas/Kind" }, { "type": "null" }] }),
        ),
        (book("/properties/year"), json!({ "type": "integer" })),
        (book("/required/2"), json!("parts")),
        (book("/properties/title/maxLength"), json!(10)),
    ] {
        assert_eq!(change(&pointer, value), [""; 0], "{pointer}");
    }
}
