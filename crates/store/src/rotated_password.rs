//! Opens the connections of the pool. If PostgreSQL rejects the password, reads the rotated password from the file.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use deadpool_postgres::{ConfigConnectImpl, Connect};
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::Tls;

pub(crate) struct RotatedPassword {
    connector: ConfigConnectImpl<MakeRustlsConnect>,
    /// The file with the URL of the database.
    file: Option<PathBuf>,
    /// The password that replaced that of the first URL.
    password: Mutex<Option<Vec<u8>>>,
}

impl RotatedPassword {
    pub(crate) fn new(tls: MakeRustlsConnect, file: Option<PathBuf>) -> Self {
        Self { connector: ConfigConnectImpl { tls }, file, password: Mutex::default() }
    }

    /// Returns the password in the file, or `None` if the file does not exist or another process is writing it.
    fn read(&self) -> Option<Vec<u8>> {
        let url = fs::read_to_string(self.file.as_ref()?).ok()?;
        let (url, _) = Tls::from_url(url.trim_end()).ok()?;
        Some(url.parse::<Config>().ok()?.get_password()?.to_owned())
    }
}

impl Connect for RotatedPassword {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let mut config = config.clone();
        if let Some(password) = &*self.password.lock().unwrap_or_else(PoisonError::into_inner) {
            config.password(password);
        }
        Box::pin(async move {
            let rejected = match self.connector.connect(&config).await {
                Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => error,
                connected => return connected,
            };
            let rotated = self.read().filter(|it| config.get_password() != Some(it.as_slice()));
            let Some(password) = rotated else { return Err(rejected) };
            let connected = self.connector.connect(config.password(&password)).await?;
            *self.password.lock().unwrap_or_else(PoisonError::into_inner) = Some(password);
            Ok(connected)
        })
    }
}
