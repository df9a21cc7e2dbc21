//! Invalid UTF-8 and invalid escapes in every text that the OpenAPI document allows.

use serde_json::Value;

use crate::harness::{TestApp, Wire};

/// An invalid byte, an over-long slash, half a surrogate pair, an incomplete character, a code point above the
/// maximum.
const BYTES: [&[u8]; 5] = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80"];

/// The same bytes as in [`BYTES`], but percent-encoded.
const PERCENT: [&str; 5] = ["%ff", "%c0%af", "%ed%a0%80", "%e2%82", "%f4%90%80%80"];

/// Half a surrogate pair, and a reversed surrogate pair.
const ESCAPES: [&[u8]; 3] = [br"\ud800", br"\udc00", br"\udc00\ud800"];

/// An operation of the OpenAPI document.
struct Operation {
    method: String,
    /// The path with an unknown id in place of each parameter.
    path: String,
    description: Value,
}

impl Operation {
    fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.description["parameters"].as_array().into_iter().flatten();
        let here = all.filter(|parameter| parameter["in"] == place);
        here.map(|parameter| parameter["name"].as_str().expect("a name")).collect()
    }
}

async fn document(app: &TestApp) -> Value {
    app.get("/openapi.json").send().await.expect("a response").json().await.expect("JSON")
}

fn operations(document: &Value, id: &str) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("an object") {
        let filled = |segment: &str| {
            if segment.starts_with('{') { id.to_owned() } else { segment.to_owned() }
        };
        let path = path.split('/').map(filled).collect::<Vec<_>>().join("/");
        for (method, description) in methods.as_object().expect("an object") {
            let (method, description) = (method.to_uppercase(), description.clone());
            operations.push(Operation { method, path: path.clone(), description });
        }
    }
    assert!(operations.len() > 20, "too few operations");
    operations
}

/// Returns the property names of an operation's body.
fn properties<'a>(document: &'a Value, operation: &Operation) -> Vec<&'a String> {
    let content = &operation.description["requestBody"]["content"];
    let Some(content) = content.as_object().and_then(|it| it.values().next()) else {
        return Vec::new();
    };
    let name = content["schema"]["$ref"].as_str().expect("a schema").rsplit('/').next();
    let schema = &document["components"]["schemas"][name.expect("a name")];
    schema["properties"].as_object().expect("an object").keys().collect()
}

/// Sends a request as the admin. Panics unless the response is a problem with this status.
async fn assert_rejected(app: &TestApp, line: &str, header: &[u8], body: &[u8], status: u16) {
    let (token, length) = (&app.administrator.token, body.len());
    let mut wire = Wire::connect(app.address).await;
    wire.send(format!("{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n")).await;
    wire.send("Connection: close\r\nContent-Type: application/json\r\n").await;
    wire.send([format!("Content-Length: {length}\r\n").as_bytes(), header, b"\r\n", body].concat())
        .await;
    let response = wire.rest().await;
    let context = format!("{line} {:?}", String::from_utf8_lossy(&[header, body].concat()));
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{context}: {response}");
    assert!(response.contains("content-type: application/problem+json"), "{context}: {response}");
}

#[tokio::test]
async fn invalid_utf8_in_a_path_or_query_returns_400() {
    let app = TestApp::spawn().await;
    let document = document(&app).await;
    for text in PERCENT {
        for Operation { method, path, .. } in operations(&document, text) {
            if path.contains('%') {
                assert_rejected(&app, &format!("{method} {path}"), b"", b"", 400).await;
            }
        }
        for operation in operations(&document, "0") {
            let Operation { method, path, .. } = &operation;
            for name in operation.parameters("query") {
                assert_rejected(&app, &format!("{method} {path}?{name}={text}"), b"", b"", 400)
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn invalid_utf8_in_a_header_parameter_returns_400() {
    let app = TestApp::spawn().await;
    let mut tried = 0;
    for operation in operations(&document(&app).await, "01890000-0000-7000-8000-000000000000") {
        let line = format!("{} {}", operation.method, operation.path);
        for name in operation.parameters("header") {
            for bytes in BYTES {
                let header = [name.as_bytes(), b": \"", bytes, b"\"\r\n"].concat();
                assert_rejected(&app, &line, &header, b"{}", 400).await;
                tried += 1;
            }
            let twice = format!("{name}: \"1\"\r\n{name}: \"2\"\r\n");
            assert_rejected(&app, &line, twice.as_bytes(), b"{}", 400).await;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn invalid_utf8_in_a_body_returns_400() {
    let app = TestApp::spawn().await;
    let (document, mut tried) = (document(&app).await, 0);
    for operation in operations(&document, "01890000-0000-7000-8000-000000000000") {
        let line = format!("{} {}", operation.method, operation.path);
        for name in properties(&document, &operation) {
            for bytes in BYTES.iter().chain(&ESCAPES) {
                let value = [b"{\"", name.as_bytes(), b"\":\"a", bytes, b"\"}"].concat();
                assert_rejected(&app, &line, b"", &value, 400).await;
                let key = [b"{\"", name.as_bytes(), bytes, b"\":1}"].concat();
                assert_rejected(&app, &line, b"", &key, 400).await;
                tried += 1;
            }
            let nul = format!("{{\"{name}\":\"\\u0000\"}}");
            assert_rejected(&app, &line, b"", nul.as_bytes(), 422).await;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[tokio::test]
async fn other_headers_accept_any_bytes() {
    let app = TestApp::spawn().await;
    for name in ["X-Request-Id", "Traceparent", "Origin", "Cookie", "User-Agent", "Accept"] {
        let mut wire = Wire::connect(app.address).await;
        wire.send(format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{name}: ")).await;
        wire.send(b"\xff\r\nConnection: close\r\n\r\n").await;
        let response = wire.rest().await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{name}: {response}");
    }
}
