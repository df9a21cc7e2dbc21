//! Several API processes on one database share data in Redis, but do not depend on it.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{net::TcpListener, task::block_in_place, time::sleep};

use crate::{
    accounts::{PASSWORD, log_in, sign_up, status, token},
    harness::{Redis, SESSION, TestApp, problem},
    metrics::metrics,
};

const WRONG: &str = "not the password";

/// Starts two processes that use this Redis.
async fn two(redis: &Redis) -> (TestApp, TestApp) {
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str()), ("API_ADMIN_LISTEN", "127.0.0.1:0")];
    let one = TestApp::spawn_with(&variables).await;
    let other = TestApp::spawn_sharing_database(&one, &variables);
    until(&one, true).await;
    until(&other, true).await;
    (one, other)
}

/// Waits until the metrics of a process show that it uses Redis, or that it does not.
async fn until(app: &TestApp, up: bool) {
    let line = format!("\nredis_up {}\n", u8::from(up));
    for _ in 0..1000 {
        if metrics(app).await.contains(&line) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the metrics never contain{line}");
}

async fn guess(app: &TestApp, email: &str) -> u16 {
    let response = log_in(app, email, WRONG).await;
    let status = response.status().as_u16();
    problem(response, status).await;
    status
}

async fn log_out(app: &TestApp, token: &str) -> u16 {
    let request = app.request_as(token, "DELETE", "/sessions/current");
    request.send().await.expect("a response").status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_are_counted_across_processes_until_a_log_in() {
    let redis = block_in_place(Redis::start);
    let (one, other) = two(&redis).await;
    for email in ["ada@example.com", "grace@example.com"] {
        sign_up(&one, email).await;
    }
    for app in [&one, &other, &one, &other, &one, &other, &one, &other, &one, &other] {
        assert_eq!(guess(app, "ada@example.com").await, 401);
    }
    for app in [&one, &other] {
        assert_eq!(guess(app, "ada@example.com").await, 429);
    }

    for _ in 0..5 {
        assert_eq!(guess(&one, "grace@example.com").await, 401);
    }
    assert_eq!(log_in(&other, "grace@example.com", PASSWORD).await.status(), 201);
    for app in [&one, &other, &one, &other, &one, &other, &one, &other, &one, &other] {
        assert_eq!(guess(app, "grace@example.com").await, 401);
    }
    assert_eq!(guess(&other, "grace@example.com").await, 429);

    let keys = redis.ask("KEYS *").expect("a response");
    assert!(keys.contains("attempts:"), "{keys}");
    for word in ["ada", "grace", "example.com", "127.0.0.1"] {
        assert!(!keys.contains(word), "{keys}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_across_processes_and_without_redis() {
    let mut redis = block_in_place(Redis::start);
    let url = redis.url();
    let variables = [
        ("REDIS_URL", &*url),
        ("API_ADMIN_LISTEN", "127.0.0.1:0"),
        ("API_ADDRESS_RATE_LIMIT", "4"),
    ];
    let one = TestApp::spawn_with(&variables).await;
    let other = TestApp::spawn_sharing_database(&one, &variables);
    until(&one, true).await;
    until(&other, true).await;
    let ask = async |app: &TestApp| {
        let response = app.request_anonymous("GET", "/persons").send().await.expect("a response");
        let state = response.headers()["ratelimit"].to_str().expect("ASCII").to_owned();
        (response.status().as_u16(), state)
    };
    for (app, remaining) in [(&one, 3), (&one, 2), (&other, 1), (&other, 0)] {
        let (status, state) = ask(app).await;
        assert_eq!(status, 401);
        assert!(state.starts_with(&format!("\"address\";r={remaining};")), "{state}");
    }
    for app in [&one, &other] {
        assert_eq!(ask(app).await.0, 429);
    }
    let keys = redis.ask("KEYS *").expect("a response");
    assert!(keys.contains("slipway:requests:") && !keys.contains("127.0.0.1"), "{keys}");

    block_in_place(|| redis.kill());
    until(&other, false).await;
    // This process has counted three of its own requests, and counts further ones alone.
    let mut allowed = 0;
    while ask(&other).await.0 == 401 {
        allowed += 1;
        assert!(allowed < 5, "the process does not limit requests without Redis");
    }
    assert!(allowed > 0, "the process does not accept requests without Redis");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_rejected_by_other_processes_before_their_cache_expires() {
    let redis = block_in_place(Redis::start);
    let (one, other) = two(&redis).await;
    let client = one.database.connect().await;
    for _ in 0..5 {
        let token = one.member.issue(&client, SESSION).await;
        assert_eq!(status(&other, &token).await, 200);
        assert_eq!(log_out(&one, &token).await, 204);
        // Redis announces revoked tokens to all replicas. Without Redis, caches accept a token for five seconds.
        let mut asked = 0;
        while status(&other, &token).await != 401 {
            asked += 1;
            assert!(asked < 100, "the revoked token is still accepted");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_succeed_while_redis_pauses_and_restarts() {
    let mut redis = block_in_place(Redis::start);
    let (one, other) = two(&redis).await;
    for email in ["ada@example.com", "grace@example.com"] {
        sign_up(&one, email).await;
    }
    for _ in 0..10 {
        assert_eq!(guess(&one, "grace@example.com").await, 401);
    }

    let (is_over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let requests = async {
        while !is_over.load(Ordering::Relaxed) {
            for app in [&one, &other] {
                let session = token(app, "ada@example.com", PASSWORD).await;
                assert_eq!(status(app, &session).await, 200);
                assert_eq!(log_out(app, &session).await, 204);
                assert_eq!(status(app, &session).await, 401);
                // Each process also counts in memory, so the limit still works without Redis.
                assert_eq!(guess(&one, "grace@example.com").await, 429);
            }
            rounds.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rounds = async || {
        let before = rounds.load(Ordering::Relaxed);
        while rounds.load(Ordering::Relaxed) < before + 3 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let faults = async {
        rounds().await;
        block_in_place(|| redis.pause()).expect("a paused Redis");
        for app in [&one, &other] {
            until(app, false).await;
        }
        rounds().await;
        block_in_place(|| redis.kill());
        rounds().await;
        block_in_place(|| redis.restart());
        for app in [&one, &other] {
            until(app, true).await;
        }
        rounds().await;
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(requests, faults);
    assert_eq!(guess(&other, "ada@example.com").await, 401);
    let keys = redis.ask("KEYS *").expect("a response");
    assert!(keys.contains("attempts:"), "Redis is not used again: {keys}");
}

#[tokio::test]
async fn a_redis_that_never_responds_is_ignored() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("redis://{}", silent.local_addr().expect("an address"));
    let variables = [("REDIS_URL", url.as_str()), ("API_ADMIN_LISTEN", "127.0.0.1:0")];
    let app = TestApp::spawn_with(&variables).await;
    let (_accepted, _) = silent.accept().await.expect("a connection");
    sign_up(&app, "ada@example.com").await;
    let session = token(&app, "ada@example.com", PASSWORD).await;
    assert_eq!(status(&app, &session).await, 200);
    assert_eq!(log_out(&app, &session).await, 204);
    assert_eq!(status(&app, &session).await, 401);
    for _ in 0..10 {
        assert_eq!(guess(&app, "ada@example.com").await, 401);
    }
    assert_eq!(guess(&app, "ada@example.com").await, 429);
    assert!(metrics(&app).await.contains("\nredis_up 0\n"));
}

#[tokio::test]
async fn metrics_do_not_mention_redis_without_redis() {
    let app = TestApp::spawn_with(&[("API_ADMIN_LISTEN", "127.0.0.1:0")]).await;
    assert!(!metrics(&app).await.contains("redis"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_token_does_not_count_for_its_address_after_a_failure_of_redis() {
    let mut redis = block_in_place(Redis::start);
    let url = redis.url();
    let variables = [
        ("REDIS_URL", &*url),
        ("API_ADMIN_LISTEN", "127.0.0.1:0"),
        ("API_ADDRESS_RATE_LIMIT", "1"),
        ("API_TOKEN_RATE_LIMIT", "100"),
    ];
    let app = TestApp::spawn_with(&variables).await;
    until(&app, true).await;
    // Only the first request counts for the address, because the process has not verified the token yet.
    assert_eq!(status(&app, &app.member.token).await, 200);
    block_in_place(|| redis.kill());
    until(&app, false).await;
    block_in_place(|| redis.restart());
    until(&app, true).await;
    assert_eq!(status(&app, &app.member.token).await, 200);
}
