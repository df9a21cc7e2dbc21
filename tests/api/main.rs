//! `test-api`: the API as a process of its own, without a log unless RUST_LOG asks for one. It prints where it
//! listens, and stops when its input ends, as it does when the test is over.

use std::io::{self, Read, Write};

use config::Config;
use tokio::sync::oneshot;
use web::telemetry::{LogOptions, Telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::from_lookup(&|name| std::env::var(name).ok())?;
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".to_owned());
    let log = LogOptions { filter: Some(filter), no_color: false };
    let telemetry = Telemetry::start(&config, log)?;
    let server = api::bind(config)?;
    writeln!(io::stdout(), "{}", server.address())?;
    let (sender, ended) = oneshot::channel();
    // A thread: a read that the runtime started could keep it from ending.
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = sender.send(());
    });
    let stopped = async {
        let _ = ended.await;
    };
    server.run(stopped).await?;
    telemetry.shutdown().await;
    Ok(())
}
