//! Copies of the database that destructive commands make before they begin.

use std::time::Duration;

use config::Config;
use db::{Error, admin};

use crate::{connect, database_name};

/// How often to try: the server's connections, ended for the copy, may be back too soon.
const ATTEMPTS: usize = 50;

/// Keeps the database as it is, before `command` changes it, and says how to go back.
pub(crate) async fn automatic(config: &Config, command: &str) -> anyhow::Result<String> {
    let server = connect(config, Some(admin::MAINTENANCE)).await?;
    let name = database_name(config)?;
    let copy = format!("{name}__before_{}", command.replace(' ', "_"));
    admin::drop(&server, &copy).await?;
    for attempt in 1.. {
        admin::end_connections(&server, &name).await?;
        match admin::clone(&server, &copy, &name).await {
            Err(Error::Unavailable(_)) if attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            done => {
                done?;
                break;
            }
        }
    }
    Ok(format!("kept what was there as the database {copy}\n"))
}
