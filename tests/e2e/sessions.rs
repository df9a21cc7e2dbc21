//! Sessions: log-in, list, log-out, and throttled password guesses.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    accounts::{PASSWORD, log_in, sign_up, status, token},
    harness::{TestApp, problem},
};

#[tokio::test]
async fn a_session_is_listed_until_log_out() {
    let app = TestApp::spawn_with(&[("API_SESSION_HOURS", "1")]).await;
    sign_up(&app, "ada@example.com").await;
    let session: Value =
        log_in(&app, "ada@example.com", PASSWORD).await.json().await.expect("JSON");
    let this = session["token"].as_str().expect("a string");
    assert!(this.starts_with("slw_") && this.len() == 47, "{this}");
    let other = token(&app, "ada@example.com", PASSWORD).await;

    let list = async || {
        let response = app.request_as(this, "GET", "/sessions").send().await.expect("a response");
        response.json::<Value>().await.expect("JSON")["items"].clone()
    };
    let sessions = list().await;
    let current: Vec<_> = (0..2).map(|index| &sessions[index]["current"]).collect();
    assert_eq!(current, [&json!(true), &json!(false)]);
    assert_eq!(sessions[0]["id"], session["id"]);
    let time = |field: &str| {
        let text = sessions[0][field].as_str().expect("a string");
        chrono::DateTime::parse_from_rfc3339(text).expect("a time")
    };
    let lasts = (time("expires_at") - time("created_at")).as_seconds_f64();
    assert!((3590.0..3610.0).contains(&lasts), "{lasts}");

    let end = |token: &str, path: String| app.request_as(token, "DELETE", &path).send();
    let path = format!("/sessions/{}", sessions[1]["id"].as_str().expect("a string"));
    problem(app.request("DELETE", &path).send().await.expect("a response"), 404).await;
    assert_eq!(status(&app, &other).await, 200);
    assert_eq!(end(this, path).await.expect("a response").status(), 204);
    assert_eq!(status(&app, &other).await, 401);
    assert_eq!(list().await.as_array().expect("a list").len(), 1);
    let out = end(this, "/sessions/current".to_owned()).await.expect("a response");
    assert_eq!(out.status(), 204);
    assert_eq!(status(&app, this).await, 401);
}

#[tokio::test]
async fn a_session_over_the_limit_of_50_ends_the_oldest_at_once() {
    let app = TestApp::spawn().await;
    sign_up(&app, "ada@example.com").await;
    let oldest = token(&app, "ada@example.com", PASSWORD).await;
    assert_eq!(status(&app, &oldest).await, 200);
    let client = app.database.connect().await;
    let query = "INSERT INTO tokens (id, account_id, hash, scope, expires_at) \
        SELECT gen_random_uuid(), id, sha256(number::text::bytea), 'write', now() + interval '1 hour' \
        FROM accounts, generate_series(1, 49) number WHERE email = 'ada@example.com'";
    client.execute(query, &[]).await.expect("rows");
    assert_eq!(status(&app, &oldest).await, 200);
    let newest = token(&app, "ada@example.com", PASSWORD).await;
    assert_eq!(status(&app, &oldest).await, 401);
    let list = app.request_as(&newest, "GET", "/sessions").send().await.expect("a response");
    let list: Value = list.json().await.expect("JSON");
    assert_eq!(list["items"].as_array().expect("a list").len(), 50);
}

#[tokio::test]
async fn the_database_holds_neither_tokens_nor_passwords() {
    let app = TestApp::spawn().await;
    sign_up(&app, "ada@example.com").await;
    let token = token(&app, "ada@example.com", PASSWORD).await;
    let client = app.database.connect().await;
    let rows = "SELECT (SELECT string_agg(t::text, '') FROM tokens t) || \
        (SELECT string_agg(a::text, '') FROM accounts a)";
    let text: String = client.query_one(rows, &[]).await.expect("a row").get(0);
    assert!(!text.contains(&token[4..]) && !text.contains(PASSWORD), "{text}");
    assert!(text.contains("$argon2id$"), "{text}");
}

#[tokio::test]
async fn an_unknown_email_and_a_wrong_password_are_indistinguishable() {
    let app = TestApp::spawn().await;
    sign_up(&app, "ada@example.com").await;
    let unknown = log_in(&app, "unknown@example.com", "not the password").await;
    let wrong = log_in(&app, "ada@example.com", "not the password").await;
    // traces.rs tests that both compute a hash, and `store::credentials::password` that the hashes cost the same.
    assert_eq!(problem(unknown, 401).await, problem(wrong, 401).await);
}

#[tokio::test]
async fn after_ten_guesses_even_the_right_password_returns_429() {
    let app = TestApp::spawn().await;
    sign_up(&app, "ada@example.com").await;
    let guesses = (0..12).map(|_| log_in(&app, "ada@example.com", "not the password"));
    let mut statuses = Vec::new();
    for response in futures_util::future::join_all(guesses).await {
        statuses.push(response.status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    let response = log_in(&app, "ADA@example.com", PASSWORD).await;
    let wait: u64 = response.headers()["retry-after"].to_str().expect("ASCII").parse().expect("s");
    assert!((800..=900).contains(&wait), "{wait}");
    problem(response, 429).await;
    assert_eq!(log_in(&app, "other@example.com", PASSWORD).await.status(), 401);
}

#[tokio::test]
async fn a_cached_token_needs_no_query() {
    let app = TestApp::spawn().await;
    let persons = async || app.get("/persons").send().await.expect("a response").status();
    assert_eq!(persons().await, 200);
    let client = app.database.connect().await;
    client.batch_execute("BEGIN; LOCK TABLE tokens, accounts").await.expect("the lock");
    assert_eq!(persons().await, 200);
}

#[tokio::test]
async fn a_token_revoked_by_another_process_is_rejected_within_seconds() {
    let app = TestApp::spawn().await;
    assert_eq!(status(&app, &app.member.token).await, 200);
    let client = app.database.connect().await;
    client.execute("DELETE FROM tokens", &[]).await.expect("rows");
    let revoked = Instant::now();
    while status(&app, &app.member.token).await == 200 {
        assert!(revoked.elapsed() < Duration::from_secs(7));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status(&app, &app.member.token).await, 401);
}
