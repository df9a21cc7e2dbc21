//! Asks a running server whether it is ready: what a container's health check runs, since the
//! release image holds nothing but the binary.

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
        bail!("API_LISTEN=stdin tells no address to ask");
    };
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)
        .with_context(|| format!("nothing answers on {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("no answer in time")?;
    let status = answer.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200 ") {
        bail!("not ready: {status}");
    }
    Ok(())
}
