//! Sends requests to a running server. Subcommands do this because the release image contains only the binary and not,
//! for example, `curl`.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use config::Listen;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Checks whether the server is ready, for the health check of a container.
pub(crate) fn run(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    let Listen::Address(address) = Listen::from_lookup(variable)? else {
        bail!(
            "cannot check a server with API_LISTEN=stdin, because its address is unknown. Set API_LISTEN."
        );
    };
    let (status, _) = get(address, "/health/ready")?;
    ensure!(status.contains(" 200 "), "the server at {address} is not ready: {status}");
    Ok(())
}

/// Returns the metrics of the server, for `cargo xtask status --production`.
pub(crate) fn metrics(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let address = variable("API_ADMIN_LISTEN").filter(|address| !address.is_empty());
    let address = address.context("the server does not serve metrics. Set API_ADMIN_LISTEN.")?;
    let address = address.parse().context("API_ADMIN_LISTEN is not an address")?;
    let (status, metrics) = get(address, "/metrics")?;
    ensure!(status.contains(" 200 "), "{address} does not serve metrics: {status}");
    Ok(metrics)
}

/// Sends a request to the server on this machine. Returns the status line and the body of the response.
fn get(mut address: SocketAddr, path: &str) -> anyhow::Result<(String, String)> {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)
        .with_context(|| format!("cannot connect to the server at {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response).with_context(|| {
        format!("no response from {address} within {} seconds", TIMEOUT.as_secs())
    })?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    Ok((head.lines().next().unwrap_or_default().to_owned(), body.to_owned()))
}
