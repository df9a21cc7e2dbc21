//! `test-api` runs the API as a separate process. Prints its address, logs only if RUST_LOG is set, and stops when its
//! input ends.

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
    // Reads stdin in a separate thread, because a pending read would block the shutdown of the runtime.
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
