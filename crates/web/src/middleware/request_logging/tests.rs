//! Tests of panics and trace IDs, which tests of the API cannot cause.

use super::*;
use crate::redis_client::RedisClient;

fn metrics() -> Metrics {
    let url = |name: &str| (name == "DATABASE_URL").then(|| "postgresql://unused".to_owned());
    let config = config::Config::from_lookup(&url).expect("usable settings");
    Metrics::new(&store::Database::new(&config.database).expect("a URL"), &RedisClient::default())
}

#[tokio::test]
async fn panic_returns_500_with_the_request_id() {
    let request = Request::builder().header(REQUEST_ID, "mine").finish();
    let response = log_request(request, &metrics(), false, |_| async { panic!("a secret") }).await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.content_type(), Some("application/problem+json"));
    assert_eq!(response.header(REQUEST_ID), Some("mine"));
    let body = response.into_body().into_string().await.expect("a text");
    assert!(body.contains(r#""request_id":"mine""#) && !body.contains("secret"), "{body}");
}

#[test]
fn trace_id_rejects_invalid_traceparent() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = "00f067aa0ba902b7";
    for (text, is_valid) in [
        (format!("00-{trace}-{parent}-01"), true),
        (format!("01-{trace}-{parent}-01-more"), true),
        (format!("00-{trace}-{parent}-01-more"), false),
        (format!("ff-{trace}-{parent}-01"), false),
        (format!("00-{}-{parent}-01", trace.to_uppercase()), false),
        (format!("00-{}-{parent}-01", "0".repeat(32)), false),
        (format!("00-{trace}-{}-01", "0".repeat(16)), false),
        (format!("00-{trace}1-{parent}-01"), false),
        (format!("00-{trace}-{parent}"), false),
        (trace.to_owned(), false),
        (String::new(), false),
    ] {
        let request = Request::builder().header("traceparent", &text).finish();
        assert_eq!(trace_id(&request), is_valid.then_some(trace), "{text}");
    }
}
