//! What replicas share: a Redis, if REDIS_URL names one. It may go at any time. No request connects to it, waits for it
//! for longer than a moment, or fails without it: whoever asks has an answer of their own for then.

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

/// How long a command may take. One that takes longer is the last until Redis is proved to be back.
const LIMIT: Duration = Duration::from_millis(200);
/// How long a connection may take, which no request waits for.
const CONNECT: Duration = Duration::from_secs(2);
/// How long to wait before the next connection, and how often the present one is proved.
const PAUSE: Duration = Duration::from_secs(1);

/// A Redis, or none. Clones share its connection.
#[derive(Clone, Default)]
pub(crate) struct SharedStore(Option<Arc<Redis>>);

struct Redis {
    client: Client,
    /// The connection, or why there is none.
    connection: Mutex<Result<MultiplexedConnection, String>>,
    up: Gauge,
}

impl SharedStore {
    /// Nothing connects before [`SharedStore::follow`] runs.
    ///
    /// # Errors
    /// The URL is malformed.
    pub(crate) fn new(url: Option<&Secret>) -> anyhow::Result<Self> {
        let Some(url) = url else { return Ok(Self::default()) };
        let info = url.expose().into_connection_info().context("REDIS_URL")?;
        // By this protocol, one connection both asks and is told.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).context("REDIS_URL")?;
        let connection = Mutex::new(Err("not yet connected".to_owned()));
        Ok(Self(Some(Arc::new(Redis { client, connection, up: Gauge::default() }))))
    }

    /// Whether it can be used, if there is to be one.
    pub(crate) fn up(&self) -> Option<Gauge> {
        self.0.as_ref().map(|redis| redis.up.clone())
    }

    /// What Redis answers; nothing if there is none or it is away.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let redis = self.0.as_ref()?;
        let mut connection = redis.connection().as_ref().ok()?.clone();
        match ask(&mut connection, command).await {
            Ok(answer) => Some(answer),
            Err(reason) => {
                *redis.connection() = Err(reason);
                None
            }
        }
    }

    /// Tells everybody who follows this channel, even if nobody waits for this to end.
    pub(crate) async fn publish(&self, channel: &'static str, message: String) {
        if self.0.is_none() {
            return;
        }
        let store = self.clone();
        let published = tokio::spawn(async move {
            let mut command = redis::cmd("PUBLISH");
            store.ask::<i64>(command.arg(channel).arg(message)).await
        });
        // Who is not told, because Redis is away, does without.
        let _ = published.await;
    }

    /// Keeps a connection, for ever, and passes on what is told by this channel. `None`: something
    /// may have been missed.
    pub(crate) async fn follow(&self, channel: &str, hear: impl Fn(Option<String>)) {
        let Some(redis) = &self.0 else { return future::pending().await };
        let mut is_known = false;
        loop {
            let reason = match redis.connect(channel).await {
                Ok((connection, told)) => {
                    hear(None);
                    redis.up.set(1);
                    tracing::info!("Redis is there: what is limited is shared with other replicas");
                    is_known = false;
                    *redis.connection() = Ok(connection.clone());
                    redis.keep(connection, told, &hear).await
                }
                Err(reason) => reason,
            };
            redis.up.set(0);
            if !is_known {
                tracing::warn!(%reason, "Redis is away: this process counts for itself until it is back");
                is_known = true;
            }
            *redis.connection() = Err(reason);
            sleep(PAUSE).await;
        }
    }
}

impl Redis {
    fn connection(&self) -> MutexGuard<'_, Result<MultiplexedConnection, String>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is proved to be good, and what it is told.
    async fn connect(
        &self,
        channel: &str,
    ) -> Result<(MultiplexedConnection, UnboundedReceiver<PushInfo>), String> {
        let (teller, told) = unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_push_sender(teller)
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connected = async {
            let mut connection =
                self.client.get_multiplexed_async_connection_with_config(&config).await?;
            connection.subscribe(channel).await?;
            RedisResult::Ok(connection)
        };
        let mut connection = in_time(CONNECT, connected).await?;
        prove(&mut connection).await?;
        Ok((connection, told))
    }

    /// Listens until the connection is good for nothing, and says why it is.
    async fn keep(
        &self,
        mut connection: MultiplexedConnection,
        mut told: UnboundedReceiver<PushInfo>,
        hear: &impl Fn(Option<String>),
    ) -> String {
        let mut time_to_prove = interval(PAUSE);
        loop {
            tokio::select! {
                push = told.recv() => match push {
                    None | Some(PushInfo { kind: PushKind::Disconnection, .. }) => {
                        return "it has closed the connection".to_owned();
                    }
                    Some(push) if push.kind == PushKind::Message => {
                        hear(Msg::from_push_info(push).and_then(|it| it.get_payload().ok()));
                    }
                    Some(_) => {}
                },
                _ = time_to_prove.tick() => {
                    // A command has failed meanwhile.
                    if let Err(reason) = &*self.connection() {
                        return reason.clone();
                    }
                    if let Err(reason) = prove(&mut connection).await {
                        return reason;
                    }
                }
            }
        }
    }
}

/// That it answers, and takes writes: one that is full or a copy of another does not.
async fn prove(connection: &mut MultiplexedConnection) -> Result<(), String> {
    let mut command = redis::cmd("SET");
    ask(connection, command.arg("slipway:proof").arg(1).arg("PX").arg(1000)).await
}

async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> Result<T, String> {
    in_time(LIMIT, command.query_async(connection)).await
}

async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> Result<T, String> {
    let in_time = timeout(limit, answer).await;
    let answer = in_time.map_err(|_| format!("it has not answered in {limit:?}"))?;
    answer.map_err(|error| error.to_string())
}
