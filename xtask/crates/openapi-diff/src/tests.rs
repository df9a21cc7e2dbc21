//! Changes of a small document, and what is said of them.

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

/// What is said where the value at `pointer` becomes another, or none.
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
fn what_breaks_a_client_is_told_with_its_place() {
    let token = json!({ "name": "token", "in": "header", "required": true, "schema": {} });
    let put = |place: &str| format!("{PUT}{place}");
    let body = |place: &str| format!("{BODY}{place}");
    let book = |place: &str| format!("{BOOK}{place}");
    for (pointer, value, said) in [
        (PUT.to_owned(), Value::Null, "PUT /books/{} is gone"),
        (put("/security"), json!([{ "token": [] }]), "PUT /books/{}: it needs a token now"),
        (put("/parameters/1"), Value::Null, "PUT /books/{}, parameter sort: it is gone"),
        (put("/parameters/2"), token, "PUT /books/{}, parameter token: it is new and required"),
        (
            put("/parameters/1/required"),
            json!(true),
            "PUT /books/{}, parameter sort: it is required now",
        ),
        (
            put("/parameters/1/schema/enum/1"),
            Value::Null,
            "PUT /books/{}, parameter sort: it does not take \"year\" any more",
        ),
        (put("/responses/200"), Value::Null, "PUT /books/{}, 200: it is never answered any more"),
        (
            put("/responses/200/headers/ETag"),
            Value::Null,
            "PUT /books/{}, 200: the header ETag is gone",
        ),
        (
            put("/responses/200/content/application~1json"),
            Value::Null,
            "PUT /books/{}, 200: application/json is gone",
        ),
        (put("/requestBody"), Value::Null, "PUT /books/{}, body: it is gone"),
        (body("/required/1"), json!("year"), "PUT /books/{}, body/year: it is required now"),
        (body("/properties/year"), Value::Null, "PUT /books/{}, body/year: it is gone"),
        (
            body("/properties/year/type"),
            json!("integer"),
            "PUT /books/{}, body/year: it was integer or null, and is integer",
        ),
        (
            body("/properties/title/maxLength"),
            json!(100),
            "PUT /books/{}, body/title: it has a narrower maxLength, 100",
        ),
        (
            body("/properties/title/minLength"),
            json!(2),
            "PUT /books/{}, body/title: it has a narrower minLength, 2",
        ),
        (
            body("/properties/title/pattern"),
            json!("^a"),
            "PUT /books/{}, body/title: it must have the pattern \"^a\"",
        ),
        (
            body("/properties/tags/items/type"),
            json!("integer"),
            "PUT /books/{}, body/tags/*: it was string, and is integer",
        ),
        (
            body("/additionalProperties"),
            json!(false),
            "PUT /books/{}, body: it takes no other fields any more",
        ),
        (book("/properties/title"), Value::Null, "PUT /books/{}, 200/title: it is gone"),
        (book("/required/0"), Value::Null, "PUT /books/{}, 200/title: it may be absent now"),
        (
            book("/properties/title/type"),
            json!(["string", "null"]),
            "PUT /books/{}, 200/title: it was string, and is string or null",
        ),
        (
            book("/properties/kind"),
            json!({ "anyOf": [{ "$ref": "#/components/schemas/Kind" }, { "type": "null" }] }),
            "PUT /books/{}, 200/kind: it may be of another kind",
        ),
        (
            "/components/schemas/Kind/enum/2".to_owned(),
            json!("play"),
            "PUT /books/{}, 200/kind: it may be \"play\" now",
        ),
        (
            "/components/schemas/Kind/enum/0".to_owned(),
            Value::Null,
            "PUT /books/{}, body/kind: it does not take \"novel\" any more",
        ),
    ] {
        assert_eq!(change(&pointer, value), [said], "{pointer}");
    }
}

#[test]
fn what_breaks_nobody_is_not_told() {
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
