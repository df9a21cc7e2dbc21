//! Rate limits by account and by address.

use std::time::Duration;

use reqwest::Response;
use tokio::time::sleep;

use crate::harness::{SESSION, TestApp, problem};

const LIMITS: [(&str, &str); 2] = [("API_TOKEN_RATE_LIMIT", "4"), ("API_ADDRESS_RATE_LIMIT", "3")];

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

/// Returns the name of the limit for which a request counts.
fn policy(response: &Response) -> &str {
    header(response, "ratelimit-policy").split('"').nth(1).unwrap_or_default()
}

async fn get(app: &TestApp, token: Option<&str>, client: &str) -> Response {
    let mut request = app.request_anonymous("GET", "/persons").header("x-forwarded-for", client);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("a response")
}

/// Sends requests until one is rejected, because time may pass between them.
async fn until_rejected(app: &TestApp, token: Option<&str>) -> Response {
    for _ in 0..100 {
        let response = get(app, token, "").await;
        if response.status() == 429 {
            return response;
        }
    }
    panic!("requests are not limited: {token:?}");
}

#[tokio::test]
async fn requests_over_a_limit_return_429_with_standard_headers() {
    let app = TestApp::spawn_with(&LIMITS).await;
    let first = get(&app, None, "").await;
    assert_eq!(first.status(), 401);
    assert_eq!(header(&first, "ratelimit-policy"), "\"address\";q=3;w=60");
    assert_eq!(header(&first, "ratelimit"), "\"address\";r=2;t=20");
    // The first request with a token counts for its address, because the process has not verified the token yet.
    let token = app.member.token.as_str();
    let second = app.member.issue(&app.database.connect().await, SESSION).await;
    for token in [token, &second] {
        let response = get(&app, Some(token), "").await;
        assert_eq!((response.status().as_u16(), policy(&response)), (200, "address"));
    }
    for token in [None, Some("slw_unknown")] {
        let response = until_rejected(&app, token).await;
        let wait: u32 = header(&response, "retry-after").parse().expect("seconds");
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(header(&response, "ratelimit"), format!("\"address\";r=0;t={wait}"));
        assert_eq!(problem(response, 429).await["code"], "too_many_requests");
    }
    let response = get(&app, Some(token), "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "ratelimit-policy"), "\"token\";q=4;w=60");
    assert_eq!(header(&response, "ratelimit"), "\"token\";r=3;t=15");
    assert_eq!(policy(&until_rejected(&app, Some(token)).await), "token");
    // Another token of the account does not have its own limit.
    let other = get(&app, Some(&second), "").await;
    assert_eq!(policy(&other), "token");
    assert_ne!(header(&other, "ratelimit"), "\"token\";r=3;t=15");
    // Health checks and preflight requests are not affected.
    for path in ["/health/live", "/health/ready"] {
        let response = app.request_anonymous("GET", path).send().await.expect("a response");
        assert_eq!(
            (response.status().as_u16(), header(&response, "ratelimit")),
            (200, ""),
            "{path}"
        );
    }
    until_rejected(&app, None).await;
    let preflight = app.request_anonymous("OPTIONS", "/persons");
    let preflight = preflight.header("access-control-request-method", "GET");
    let response = preflight.send().await.expect("a response");
    assert_eq!((response.status().as_u16(), header(&response, "ratelimit")), (204, ""));
}

#[tokio::test]
async fn tokens_that_become_invalid_count_for_their_address() {
    let limits = LIMITS.map(|(name, _)| (name, "100000"));
    let app = TestApp::spawn_with(&limits).await;
    let client = app.database.connect().await;
    let changes = [
        // The cached row has the time.
        (&app.member, "UPDATE tokens SET expires_at = now() + interval '1 second'"),
        // The process verifies the token again after a few seconds.
        (&app.administrator, "DELETE FROM tokens"),
    ];
    for (identity, change) in changes {
        let token = Some(identity.token.as_str());
        let is_deleted = change.starts_with("DELETE");
        if is_deleted {
            assert_eq!(get(&app, token, "").await.status(), 200);
        }
        let change = format!("{change} WHERE account_id = $1");
        client.execute(change.as_str(), &[&identity.account]).await.expect("a table");
        // The first request counts for the address, because the token is not verified yet.
        get(&app, token, "").await;
        let mut rejected = 0;
        loop {
            let response = get(&app, token, "").await;
            if response.status() == 401 {
                rejected += 1;
                if policy(&response) == "address" {
                    break;
                }
                // The token counts for its account until the response of the database.
                assert!(is_deleted && rejected == 1, "invalid tokens count for their account");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_client() {
    let limit = [("API_ADDRESS_RATE_LIMIT", "1")];
    let app = TestApp::spawn_with(&limit).await;
    for (client, status) in [("192.0.2.1", 401), ("192.0.2.2", 429)] {
        assert_eq!(get(&app, None, client).await.status(), status, "{client}");
    }
    let trusted = [limit.as_slice(), &[("API_TRUSTED_PROXIES", "127.0.0.1")]].concat();
    let app = TestApp::spawn_sharing_database(&app, &trusted);
    for (client, status) in [
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
