//! A thousand password guesses are throttled with little memory, and do not block other users.

use std::{collections::BTreeMap, net::Ipv4Addr};

use futures_util::{StreamExt, stream};
use reqwest::{Client, Response};
use serde_json::json;

use crate::{
    accounts::{PASSWORD, sign_up},
    harness::{ServerProcess, TestApp, problem},
};

/// Logs in from 127.0.`network`.`host`.
async fn log_in(server: &ServerProcess, from: (u8, u8), email: &str, password: &str) -> Response {
    let address = Ipv4Addr::new(127, 0, from.0, from.1);
    let client = Client::builder().local_address(Some(address.into())).build().expect("a client");
    let body = json!({ "email": email, "password": password });
    let request = client.post(format!("http://{}/sessions", server.address)).json(&body);
    request.send().await.expect("a response")
}

/// Makes these guesses, each with its source address and e-mail address, and returns the number of responses for
/// each status. Another user can log in meanwhile and afterwards.
async fn guess(guesses: impl Iterator<Item = ((u8, u8), String)>) -> BTreeMap<u16, usize> {
    let app = TestApp::spawn().await;
    for email in ["ada@example.com", "grace@example.com"] {
        assert_eq!(sign_up(&app, email).await.status(), 201);
    }
    let server = ServerProcess::start(&app, &[]);
    let grace = async || log_in(&server, (9, 9), "grace@example.com", PASSWORD).await.status();
    let attempt = async |(from, email): ((u8, u8), String)| {
        let response = log_in(&server, from, &email, "not the password").await;
        let status = response.status().as_u16();
        if status == 429 {
            let wait = response.headers()["retry-after"].to_str().expect("ASCII");
            let wait: u64 = wait.parse().expect("seconds");
            assert!((800..=900).contains(&wait), "{wait}");
        }
        problem(response, status).await;
        status
    };
    let mut responses = stream::iter(guesses).map(attempt).buffer_unordered(16);
    let mut statuses = BTreeMap::new();
    while let Some(status) = responses.next().await {
        let count: &mut usize = statuses.entry(status).or_default();
        *count += 1;
        if status == 429 && *count == 1 {
            assert_eq!(grace().await, 201);
        }
    }
    assert_eq!(grace().await, 201);
    let memory = server.memory();
    assert!(memory < 250, "{memory} MiB");
    statuses
}

#[tokio::test]
#[ignore = "takes long"]
async fn guesses_at_one_account_from_many_addresses_are_throttled() {
    let guesses = (0..1000).map(|number| {
        let host = u8::try_from(number % 200).expect("a small number") + 1;
        ((1, host), "ada@example.com".to_owned())
    });
    assert_eq!(guess(guesses).await, [(401, 10), (429, 990)].into());
}

#[tokio::test]
#[ignore = "takes long"]
async fn guesses_at_many_accounts_from_one_address_are_throttled() {
    let guesses = (0..1000).map(|number| ((2, 1), format!("person{number}@example.com")));
    assert_eq!(guess(guesses).await, [(401, 100), (429, 900)].into());
}

#[tokio::test]
#[ignore = "takes long"]
async fn clients_behind_a_trusted_proxy_are_throttled_separately() {
    let app = TestApp::spawn_with(&[("API_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let guess = async |client: &str, number: u32| {
        let email = format!("person{number}@example.com");
        let body = json!({ "email": email, "password": "not the password" });
        let request = app.request_anonymous("POST", "/sessions").json(&body);
        let response = request.header("x-forwarded-for", client).send().await.expect("a response");
        response.status().as_u16()
    };
    for number in 0..100 {
        // Only the last address counts, because the proxy has added it. A client can fake the earlier addresses.
        assert_eq!(guess(&format!("203.0.113.{number}, 198.51.100.1"), number).await, 401);
    }
    assert_eq!(guess("198.51.100.1", 100).await, 429);
    assert_eq!(guess("198.51.100.2", 100).await, 401);
}
