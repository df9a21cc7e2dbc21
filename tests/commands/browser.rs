//! The API's pages in a browser: a headless Chromium, controlled by chromedriver.
//!
//! CHROMEDRIVER is the path of the driver if PATH does not contain it.

use std::{env, process::Command, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator, error::CmdError};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Running, Stack, ask, free_port};

const TIMEOUT: Duration = Duration::from_mins(1);

pub(crate) fn pages_work_in_a_browser(stack: &Stack) {
    let token = ask(&mut stack.xtask("token --role member"));
    let seen = browse(async |browser| visit(browser, &stack.url(""), token.trim()).await);
    for text in ["Slipway API", "ready", "Profile", "dev", stack.engine.as_str()] {
        assert!(seen.landing.contains(text), "{text:?} is missing: {}", seen.landing);
    }
    assert!(seen.links.len() >= 3, "{:?}", seen.links);
    for link in &seen.links {
        stack.page(link);
    }
    assert_eq!(seen.status, "200");
    assert!(seen.body.contains("Ada Lovelace"), "{}", seen.body);
}

/// The contents that the browser showed.
struct Seen {
    landing: String,
    links: Vec<String>,
    status: String,
    body: String,
}

/// Starts a browser for `work`.
pub(crate) fn browse<T>(work: impl AsyncFnOnce(&Client) -> Result<T, CmdError>) -> T {
    let port = free_port();
    let driver = env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
    let mut driver = Running::start(Command::new(driver).arg(format!("--port={port}")), "");
    driver.wait_for("started successfully");
    session(port, work).expect("a visit without errors")
}

#[tokio::main(flavor = "current_thread")]
async fn session<T>(
    driver: u16,
    work: impl AsyncFnOnce(&Client) -> Result<T, CmdError>,
) -> Result<T, CmdError> {
    let profile = TempDir::new().expect("a folder");
    let options = json!({ "args": [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        format!("--user-data-dir={}", profile.path().display()),
    ]});
    let browser = ClientBuilder::new(HttpConnector::new())
        .capabilities([("goog:chromeOptions".to_owned(), options)].into_iter().collect())
        .connect(&format!("http://127.0.0.1:{driver}"))
        .await
        .expect("a running Chromium");
    let done = work(&browser).await;
    // Closes the browser after an error too. Otherwise the browser would keep running.
    browser.close().await?;
    done
}

async fn visit(browser: &Client, api: &str, token: &str) -> Result<Seen, CmdError> {
    browser.goto(&format!("{api}/")).await?;
    let landing = browser.find(Locator::Css("body")).await?.text().await?;
    let mut links = Vec::new();
    for link in browser.find_all(Locator::Css("nav a")).await? {
        links.extend(link.attr("href").await?);
    }

    browser.goto(&format!("{api}/docs")).await?;
    click(browser, ".auth-wrapper .authorize").await?;
    let field = Locator::Css(".auth-container input");
    browser.wait().at_most(TIMEOUT).for_element(field).await?.send_keys(token).await?;
    click(browser, ".auth-btn-wrapper .authorize").await?;
    click(browser, ".auth-btn-wrapper .btn-done").await?;
    let operation = "[id$=listPersons]";
    click(browser, &format!("{operation} .opblock-summary-control")).await?;
    click(browser, &format!("{operation} .try-out__btn")).await?;
    click(browser, &format!("{operation} .execute")).await?;
    let response = format!("{operation} .live-responses-table .response");
    let status = text(browser, &format!("{response} .response-col_status")).await?;
    let body = text(browser, &format!("{response} .response-col_description .microlight")).await?;
    Ok(Seen { landing, links, status, body })
}

/// Waits for an element and clicks it.
async fn click(browser: &Client, css: &str) -> Result<(), CmdError> {
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css(css)).await?.click().await
}

/// Waits for an element and returns its text.
async fn text(browser: &Client, css: &str) -> Result<String, CmdError> {
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css(css)).await?.text().await
}
