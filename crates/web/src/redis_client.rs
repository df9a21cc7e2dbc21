//! The connection to the Redis that replicas share, if REDIS_URL is set. Redis may become unavailable at any time: no
//! request connects to it, waits longer than [`COMMAND_TIMEOUT`] for it, or fails without it.

use std::{
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use config::Secret;
use prometheus_client::metrics::gauge::Gauge;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, Msg, ProtocolVersion,
    PushInfo, PushKind, RedisResult, aio::MultiplexedConnection,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{interval, sleep, timeout},
};

/// The time limit of a command. After a timeout, no command is sent until a health check succeeds.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(200);
/// The time limit of a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause between attempts to connect, and between health checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The client of a Redis, or a client that does nothing. Clones share the connection.
#[derive(Clone, Default)]
pub(crate) struct RedisClient(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    /// The connection, or the reason why there is none.
    connection: Mutex<Result<MultiplexedConnection, String>>,
    up: Gauge,
}

impl RedisClient {
    /// Creates a client, which connects when [`RedisClient::subscribe`] runs.
    ///
    /// # Errors
    /// Returns an error if the URL is malformed.
    pub(crate) fn new(url: Option<&Secret>) -> anyhow::Result<Self> {
        let Some(url) = url else { return Ok(Self::default()) };
        let info = url.expose().into_connection_info().context("REDIS_URL")?;
        // With RESP3, the same connection can send commands and receive messages.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).context("REDIS_URL")?;
        let connection = Mutex::new(Err("not yet connected".to_owned()));
        Ok(Self(Some(Arc::new(Inner { client, connection, up: Gauge::default() }))))
    }

    /// Returns the gauge that is 1 while Redis is usable, if REDIS_URL is set.
    pub(crate) fn up_gauge(&self) -> Option<Gauge> {
        self.0.as_ref().map(|redis| redis.up.clone())
    }

    /// Returns the result of a command, or `None` if Redis is not configured or not available.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let redis = self.0.as_ref()?;
        let mut connection = redis.connection().as_ref().ok()?.clone();
        match query(&mut connection, command).await {
            Ok(result) => Some(result),
            Err(reason) => {
                *redis.connection() = Err(reason);
                None
            }
        }
    }

    /// Publishes a message on a channel, even if the caller stops waiting.
    pub(crate) async fn publish(&self, channel: &'static str, message: String) {
        if self.0.is_none() {
            return;
        }
        let client = self.clone();
        let published = tokio::spawn(async move {
            let mut command = redis::cmd("PUBLISH");
            client.query::<i64>(command.arg(channel).arg(message)).await
        });
        // Errors are ignored, because subscribers tolerate lost messages.
        let _ = published.await;
    }

    /// Keeps a connection open and calls `on_message` for each message of a channel. Never returns. The message `None`
    /// means that messages may have been missed.
    pub(crate) async fn subscribe(&self, channel: &str, on_message: impl Fn(Option<String>)) {
        let Some(redis) = &self.0 else { return future::pending().await };
        let mut is_reported = false;
        loop {
            let reason = match redis.connect(channel).await {
                Ok((connection, pushes)) => {
                    on_message(None);
                    redis.up.set(1);
                    tracing::info!(
                        "connected to Redis: log-in attempts are counted together with other replicas"
                    );
                    is_reported = false;
                    *redis.connection() = Ok(connection.clone());
                    redis.receive(connection, pushes, &on_message).await
                }
                Err(reason) => reason,
            };
            redis.up.set(0);
            if !is_reported {
                tracing::warn!(%reason, "Redis is unavailable: this process counts log-in attempts alone");
                is_reported = true;
            }
            *redis.connection() = Err(reason);
            sleep(CHECK_INTERVAL).await;
        }
    }
}

impl Inner {
    fn connection(&self) -> MutexGuard<'_, Result<MultiplexedConnection, String>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a checked connection and the messages that it receives.
    async fn connect(
        &self,
        channel: &str,
    ) -> Result<(MultiplexedConnection, UnboundedReceiver<PushInfo>), String> {
        let (sender, pushes) = unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_push_sender(sender)
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connected = async {
            let mut connection =
                self.client.get_multiplexed_async_connection_with_config(&config).await?;
            connection.subscribe(channel).await?;
            RedisResult::Ok(connection)
        };
        let mut connection = in_time(CONNECT_TIMEOUT, connected).await?;
        check(&mut connection).await?;
        Ok((connection, pushes))
    }

    /// Receives messages until the connection fails, and returns the reason.
    async fn receive(
        &self,
        mut connection: MultiplexedConnection,
        mut pushes: UnboundedReceiver<PushInfo>,
        on_message: &impl Fn(Option<String>),
    ) -> String {
        let mut next_check = interval(CHECK_INTERVAL);
        loop {
            tokio::select! {
                push = pushes.recv() => match push {
                    None | Some(PushInfo { kind: PushKind::Disconnection, .. }) => {
                        return "Redis has closed the connection".to_owned();
                    }
                    Some(push) if push.kind == PushKind::Message => {
                        on_message(Msg::from_push_info(push).and_then(|it| it.get_payload().ok()));
                    }
                    Some(_) => {}
                },
                _ = next_check.tick() => {
                    // The shared connection is an error if a command has failed since the last check.
                    if let Err(reason) = &*self.connection() {
                        return reason.clone();
                    }
                    if let Err(reason) = check(&mut connection).await {
                        return reason;
                    }
                }
            }
        }
    }
}

/// Checks that Redis accepts writes, which a full or read-only server does not.
async fn check(connection: &mut MultiplexedConnection) -> Result<(), String> {
    let mut command = redis::cmd("SET");
    query(connection, command.arg("slipway:proof").arg(1).arg("PX").arg(1000)).await
}

async fn query<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> Result<T, String> {
    in_time(COMMAND_TIMEOUT, command.query_async(connection)).await
}

async fn in_time<T>(
    limit: Duration,
    result: impl Future<Output = RedisResult<T>>,
) -> Result<T, String> {
    let result = timeout(limit, result).await;
    let result = result.map_err(|_| format!("no response from Redis within {limit:?}"))?;
    result.map_err(|error| error.to_string())
}
