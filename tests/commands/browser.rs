//! The API's pages in a browser: a headless Chromium, controlled by chromedriver.
//!
//! CHROMEDRIVER is the path of the driver if PATH does not contain it. SCREENSHOTS is a folder for screenshots.

use std::{env, fs, path::Path, process::Command, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator, error::CmdError};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Running, Stack, ask, free_port};

const TIMEOUT: Duration = Duration::from_mins(1);

pub(crate) fn pages_work_in_a_browser(stack: &Stack) {
    let port = free_port();
    let driver = env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
    let mut driver = Running::start(Command::new(driver).arg(format!("--port={port}")), "");
    driver.wait_for("started successfully");

    let token = ask(&mut stack.xtask("token --role member"));
    let seen = visit(port, &stack.url(""), token.trim()).expect("a visit without errors");
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

#[tokio::main(flavor = "current_thread")]
async fn visit(driver: u16, api: &str, token: &str) -> Result<Seen, CmdError> {
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
        format!("--user-data-dir={}", profile.path().display()),
    ]});
    let browser = ClientBuilder::new(HttpConnector::new())
        .capabilities([("goog:chromeOptions".to_owned(), options)].into_iter().collect())
        .connect(&format!("http://127.0.0.1:{driver}"))
        .await
        .expect("a running Chromium");
    let seen = look(&browser, api, token).await;
    // Closes the browser after an error too. Otherwise the browser would keep running.
    browser.close().await?;
    seen
}

async fn look(browser: &Client, api: &str, token: &str) -> Result<Seen, CmdError> {
    show_in(browser, 1200, 800).await?;
    browser.goto(&format!("{api}/")).await?;
    let landing = browser.find(Locator::Css("body")).await?.text().await?;
    let mut links = Vec::new();
    for link in browser.find_all(Locator::Css("nav a")).await? {
        links.extend(link.attr("href").await?);
    }
    picture(browser, "landing.png").await?;

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
    browser
        .execute(&format!("document.querySelector('{response}').scrollIntoView(false)"), vec![])
        .await?;
    picture(browser, "docs.png").await?;
    Ok(Seen { landing, links, status, body })
}

/// Resizes the window so that the page itself has this size.
async fn show_in(browser: &Client, width: u32, height: u32) -> Result<(), CmdError> {
    browser.set_window_size(width, height).await?;
    let frame = "return [outerWidth - innerWidth, outerHeight - innerHeight]";
    let frame = browser.execute(frame, vec![]).await?;
    let frame: [u32; 2] = serde_json::from_value(frame).expect("two lengths");
    browser.set_window_size(width + frame[0], height + frame[1]).await
}

/// Waits for an element and clicks it.
async fn click(browser: &Client, css: &str) -> Result<(), CmdError> {
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css(css)).await?.click().await
}

/// Waits for an element and returns its text.
async fn text(browser: &Client, css: &str) -> Result<String, CmdError> {
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css(css)).await?.text().await
}

async fn picture(browser: &Client, name: &str) -> Result<(), CmdError> {
    if let Some(folder) = env::var_os("SCREENSHOTS") {
        fs::create_dir_all(&folder).expect("the folder of SCREENSHOTS");
        let picture = browser.screenshot().await?;
        fs::write(Path::new(&folder).join(name), picture).expect("a picture");
    }
    Ok(())
}
