//! Traces: the exported spans, and an unreachable collector that must not affect requests.

use std::time::Duration;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind},
};
use prost::Message;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::spawn_blocking,
    time::timeout,
};

use crate::harness::{ServerProcess, TestApp, problem};

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const PARENT: u64 = 0x00f0_67aa_0ba9_02b7;
/// The timeout of a step. It is far longer than the server tries to reach a collector.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Binds a port for a collector, and returns it with its URL.
async fn collector() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Accepts a request with a batch of spans, and returns the batch.
async fn receive(collector: &TcpListener) -> ExportTraceServiceRequest {
    let (mut stream, _) = collector.accept().await.expect("a connection");
    let (head, body) = read_request(&mut stream).await;
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(response.as_bytes()).await.expect("an open connection");
    ExportTraceServiceRequest::decode(&*body).expect("a batch")
}

/// Reads a request. Returns its head in lower case, and its body.
async fn read_request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a header"));
    }
    let head = String::from_utf8(head).expect("ASCII").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.expect("a length").parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    (head, body)
}

fn span<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    spans
        .iter()
        .find(|span| span.name == name)
        .unwrap_or_else(|| panic!("no span {name} in {names:?}"))
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> &'a Value {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    let value = found.unwrap_or_else(|| panic!("no attribute {key}")).value.as_ref();
    value.and_then(|value| value.value.as_ref()).expect("a value")
}

#[tokio::test]
async fn a_request_and_its_queries_are_spans_of_the_clients_trace() {
    let (app, (collector, url)) = (TestApp::spawn().await, collector().await);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_SERVICE_NAME", "persons")];
    let server = ServerProcess::start(&app, &variables);
    let request = server
        .get(&app, "/persons/01900000-0000-7000-8000-000000000000")
        .header("if-none-match", "\"secret\"")
        .header("traceparent", format!("00-{TRACE:032x}-{PARENT:016x}-01"))
        .header("x-request-id", "mine");
    problem(request.send().await.expect("a response"), 404).await;
    // Stops the server, which exports the remaining spans before it ends.
    let stopped = spawn_blocking(|| server.stop());
    let batch = timeout(TIMEOUT, receive(&collector)).await.expect("a batch");
    assert!(stopped.await.expect("no panic").success());

    let [sent] = &*batch.resource_spans else { panic!("{batch:?}") };
    let resource = sent.resource.as_ref().expect("a resource");
    let text = |text: &str| Value::StringValue(text.to_owned());
    assert_eq!(attribute(&resource.attributes, "service.name"), &text("persons"));
    let spans: Vec<_> = sent.scope_spans.iter().flat_map(|it| it.spans.clone()).collect();
    let request = span(&spans, "GET /persons/{id}");
    assert_eq!(request.trace_id, TRACE.to_be_bytes());
    assert_eq!(request.parent_span_id, PARENT.to_be_bytes());
    assert_eq!(request.kind, SpanKind::Server as i32);
    let attributes = &request.attributes;
    assert_eq!(attribute(attributes, "http.request.method"), &text("GET"));
    assert_eq!(attribute(attributes, "http.route"), &text("/persons/{id}"));
    assert_eq!(attribute(attributes, "http.response.status_code"), &Value::IntValue(404));
    assert_eq!(attribute(attributes, "http.request.header.x-request-id"), &text("mine"));
    // The request runs two queries: one for the token and one for the person.
    for name in ["store::tokens::find_holder", "persons.find"] {
        let query = span(&spans, name);
        assert_eq!(query.trace_id, request.trace_id, "{name}");
        assert_eq!(query.parent_span_id, request.span_id, "{name}");
        assert_eq!(query.kind, SpanKind::Client as i32, "{name}");
    }
    assert!(!format!("{batch:?}").contains("secret"), "{batch:?}");
}

#[tokio::test]
async fn a_log_in_with_an_unknown_address_computes_a_hash() {
    let (app, (collector, url)) = (TestApp::spawn().await, collector().await);
    let server = ServerProcess::start(&app, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let body = json!({ "email": "unknown@example.com", "password": "not the password" });
    let request = reqwest::Client::new().post(server.url("/sessions")).json(&body);
    problem(request.send().await.expect("a response"), 401).await;
    let stopped = spawn_blocking(|| server.stop());
    let batch = timeout(TIMEOUT, receive(&collector)).await.expect("a batch");
    assert!(stopped.await.expect("no panic").success());
    let spans = batch.resource_spans.iter().flat_map(|it| &it.scope_spans);
    let spans: Vec<_> = spans.flat_map(|it| it.spans.clone()).collect();
    let request = span(&spans, "POST /sessions");
    assert_eq!(span(&spans, "password_hash").parent_span_id, request.span_id);
}

#[tokio::test]
async fn unsampled_requests_are_not_exported() {
    let (app, (collector, url)) = (TestApp::spawn().await, collector().await);
    let server = ServerProcess::start(&app, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    for (path, flags) in [("/persons", "00"), ("/health/live", "01")] {
        let request = server
            .get(&app, path)
            .header("traceparent", format!("00-{TRACE:032x}-{PARENT:016x}-{flags}"));
        assert_eq!(request.send().await.expect("a response").status(), 200);
    }
    let stopped = spawn_blocking(|| server.stop());
    let batch = timeout(TIMEOUT, receive(&collector)).await.expect("a batch");
    assert!(stopped.await.expect("no panic").success());
    let spans = batch.resource_spans.iter().flat_map(|it| &it.scope_spans).flat_map(|it| &it.spans);
    assert_eq!(spans.map(|it| &*it.name).collect::<Vec<_>>(), ["GET /health/live"]);
}

#[tokio::test]
async fn an_unreachable_or_silent_collector_delays_no_requests() {
    let (app, (silent, silent_url)) = (TestApp::spawn().await, collector().await);
    let serves = async |url: &str| {
        let server = ServerProcess::start(&app, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]);
        for _ in 0..10 {
            let request = server.get(&app, "/persons").timeout(TIMEOUT);
            assert_eq!(request.send().await.expect("a response").status(), 200, "{url}");
        }
        let stopped = timeout(TIMEOUT, spawn_blocking(|| server.stop())).await;
        assert!(stopped.expect("in time").expect("no panic").success(), "{url}");
    };
    // Port 1 refuses connections. `silent_url` accepts them but never responds.
    tokio::join!(serves("http://127.0.0.1:1"), serves(&silent_url));
    drop(silent);
}
