//! A typed Rust client of the API. `cargo xtask client rust` generates the code from `openapi.json`:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let api = api_client::connect("http://localhost:5000", Some("a token"))?;
//! let page = api.list_persons().limit(10).send().await?;
//! println!("{}", page.items.len());
//! # Ok(())
//! # }
//! ```

#[expect(clippy::all, clippy::pedantic, reason = "the module is generated")]
mod generated;

pub use generated::*;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// Creates a client for the API at `url` that sends `token` as its bearer token.
///
/// # Errors
/// Fails if the token is not a valid header value or TLS cannot be initialized.
pub fn connect(url: &str, token: Option<&str>) -> Result<Client, Box<dyn std::error::Error>> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(Client::new_with_client(url, reqwest::Client::builder().default_headers(headers).build()?))
}
