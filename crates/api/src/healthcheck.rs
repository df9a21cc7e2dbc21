//! Checks whether a running server is ready. A container's health check runs this subcommand, because the release
//! image contains only the binary and not, for example, `curl`.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, TcpStream},
    time::Duration,
};

use anyhow::{Context, bail};
use config::Listen;

const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn run(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    let Listen::Address(mut address) = Listen::from_lookup(variable)? else {
        bail!(
            "cannot check a server with API_LISTEN=stdin, because its address is unknown. Set API_LISTEN."
        );
    };
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)
        .with_context(|| format!("cannot connect to the server at {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response).with_context(|| {
        format!("no response from {address} within {} seconds", TIMEOUT.as_secs())
    })?;
    let status = response.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200 ") {
        bail!("the server at {address} is not ready: {status}");
    }
    Ok(())
}
