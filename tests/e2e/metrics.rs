//! The metrics for Prometheus, on a separate port.

use serde_json::json;
use uuid::Uuid;

use crate::harness::{TestApp, problem};

pub(crate) async fn metrics(app: &TestApp) -> String {
    let address = app.admin.expect("API_ADMIN_LISTEN is set");
    let response = reqwest::get(format!("http://{address}/metrics")).await.expect("a response");
    assert_eq!(response.status(), 200);
    response.text().await.expect("a text")
}

#[tokio::test]
async fn requests_are_counted_by_method_route_and_status_without_paths() {
    let app = TestApp::spawn_with(&[("API_ADMIN_LISTEN", "127.0.0.1:0")]).await;
    let id = Uuid::new_v4();
    for path in [&format!("/persons/{id}"), "/persons", "/persons", "/nowhere", "/%6eowhere?a=b"] {
        app.get(path).send().await.expect("a response");
    }
    for method in ["DELETE", "BREW", "FETCH"] {
        app.request(method, "/persons").send().await.expect("a response");
    }
    let text = metrics(&app).await;
    for line in [
        r#"{method="GET",route="/persons/{id}",status="404"} 1"#,
        r#"{method="GET",route="/persons",status="200"} 2"#,
        r#"{method="GET",route="",status="404"} 2"#,
        r#"{method="DELETE",route="/persons",status="405"} 1"#,
        r#"{method="other",route="/persons",status="405"} 2"#,
    ] {
        let line = format!("http_request_duration_seconds_count{line}\n");
        assert!(text.contains(&line), "{line} is missing in {text}");
    }
    for word in [&id.to_string(), "owhere", "BREW"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn timed_out_and_rejected_requests_are_counted_by_route() {
    let variables = [
        ("API_ADMIN_LISTEN", "127.0.0.1:0"),
        ("API_REQUEST_TIMEOUT_SECONDS", "1"),
        ("API_BODY_LIMIT_BYTES", "100"),
    ];
    let app = TestApp::spawn_with(&variables).await;
    let lock = app.database.connect().await;
    lock.batch_execute("BEGIN; LOCK TABLE persons, tokens").await.expect("the lock");
    let long = json!({ "name": "a".repeat(100) });
    for (request, status) in [
        (app.get(&format!("/persons/{}", Uuid::new_v4())), 504),
        (app.request("DELETE", "/sessions/current"), 504),
        (app.post("/tokens", &long), 413),
        (app.post("/nowhere", &long), 404),
    ] {
        problem(request.send().await.expect("a response"), status).await;
    }
    let text = metrics(&app).await;
    for line in [
        r#"{method="GET",route="/persons/{id}",status="504"} 1"#,
        r#"{method="DELETE",route="/sessions/current",status="504"} 1"#,
        r#"{method="POST",route="/tokens",status="413"} 1"#,
        r#"{method="POST",route="",status="404"} 1"#,
    ] {
        let line = format!("http_request_duration_seconds_count{line}\n");
        assert!(text.contains(&line), "{line} is missing in {text}");
    }
}

#[tokio::test]
async fn metrics_include_the_pool_and_the_process() {
    let variables = [("API_ADMIN_LISTEN", "127.0.0.1:0"), ("DATABASE_POOL_SIZE", "7")];
    let app = TestApp::spawn_with(&variables).await;
    assert_eq!(app.get("/persons").send().await.expect("a response").status(), 200);
    let text = metrics(&app).await;
    for line in [
        "db_pool_max 7",
        "db_pool_size 1",
        "db_pool_available 1",
        "db_pool_waiting 0",
        "http_requests_in_flight 0",
        concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing in {text}");
    }
    assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
    assert!(text.contains("\nprocess_start_time_seconds "), "{text}");
}

#[tokio::test]
async fn metrics_are_only_on_the_admin_port() {
    let app = TestApp::spawn_with(&[("API_ADMIN_LISTEN", "127.0.0.1:0")]).await;
    assert_eq!(app.get("/metrics").send().await.expect("a response").status(), 404);
    let address = app.admin.expect("API_ADMIN_LISTEN is set");
    let response = reqwest::get(format!("http://{address}/persons")).await.expect("a response");
    assert_eq!(response.status(), 404);
    assert!(TestApp::spawn().await.admin.is_none());
}
