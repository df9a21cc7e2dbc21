//! Rate limits by token and by address.

use reqwest::Response;

use crate::harness::{TestApp, problem};

const LIMITS: [(&str, &str); 2] = [("API_TOKEN_RATE_LIMIT", "4"), ("API_ADDRESS_RATE_LIMIT", "2")];

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

async fn get(app: &TestApp, token: Option<&str>, client: &str) -> Response {
    let mut request = app.request_anonymous("GET", "/persons").header("x-forwarded-for", client);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("a response")
}

#[tokio::test]
async fn requests_over_a_limit_return_429_with_standard_headers() {
    let app = TestApp::spawn_with(&LIMITS).await;
    let first = get(&app, None, "").await;
    assert_eq!(first.status(), 401);
    assert_eq!(header(&first, "ratelimit-policy"), "\"address\";q=2;w=60");
    assert_eq!(header(&first, "ratelimit"), "\"address\";r=1;t=30");
    // The first request with a token counts for its address, because the process has not verified the token yet.
    let token = app.member.token.as_str();
    assert_eq!(get(&app, Some(token), "").await.status(), 200);
    for (token_of_request, status) in [(None, 429), (Some("slw_unknown"), 429), (Some(token), 200)]
    {
        let response = get(&app, token_of_request, "").await;
        assert_eq!(response.status(), status, "{token_of_request:?}");
        if status == 429 {
            let wait: u32 = header(&response, "retry-after").parse().expect("seconds");
            assert!((1..=30).contains(&wait), "{wait}");
            assert_eq!(header(&response, "ratelimit"), format!("\"address\";r=0;t={wait}"));
            assert_eq!(problem(response, 429).await["code"], "too_many_requests");
        } else {
            assert_eq!(header(&response, "ratelimit-policy"), "\"token\";q=4;w=60");
            assert_eq!(header(&response, "ratelimit"), "\"token\";r=3;t=15");
        }
    }
    for _ in 0..3 {
        assert_eq!(get(&app, Some(token), "").await.status(), 200);
    }
    problem(get(&app, Some(token), "").await, 429).await;
    // Another token, and health checks, are not affected.
    for path in ["/health/live", "/health/ready"] {
        let response = app.request_anonymous("GET", path).send().await.expect("a response");
        assert_eq!(
            (response.status().as_u16(), header(&response, "ratelimit")),
            (200, ""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_client() {
    let app = TestApp::spawn_with(&LIMITS).await;
    for (client, status) in [("192.0.2.1", 401), ("192.0.2.2", 401), ("192.0.2.3", 429)] {
        assert_eq!(get(&app, None, client).await.status(), status, "{client}");
    }
    let trusted = [LIMITS.as_slice(), &[("API_TRUSTED_PROXIES", "127.0.0.1")]].concat();
    let app = TestApp::spawn_sharing_database(&app, &trusted);
    for (client, status) in [
        ("192.0.2.1", 401),
        ("192.0.2.1", 401),
        ("192.0.2.1", 429),
        // The proxy has appended the last address. The client has sent the others.
        ("192.0.2.9, 192.0.2.1", 429),
        ("192.0.2.2", 401),
    ] {
        assert_eq!(get(&app, None, client).await.status(), status, "{client}");
    }
}

#[tokio::test]
async fn limits_are_off_by_default() {
    let app = TestApp::spawn().await;
    let response = get(&app, None, "").await;
    assert_eq!((header(&response, "ratelimit"), header(&response, "ratelimit-policy")), ("", ""));
}
