//! Prometheus metrics of requests, queries and the process.

use std::{
    fs,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use poem::{
    Response,
    http::{Method, StatusCode},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};
use store::Database;

use crate::redis_client::RedisClient;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The labels of a request. Each combination is a time series, so no label contains text from a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    durations: Durations,
    in_flight: Gauge,
    database: Database,
    pool_size: Gauge,
    pool_available: Gauge,
    pool_waiting: Gauge,
    pool_max: Gauge,
    memory: Gauge<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new(database: &Database, redis: &RedisClient) -> Self {
        let mut registry = Registry::default();
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))].to_vec());
        registry.register("build", "Version of the server", build);
        let durations = Durations::new_with_constructor(|| Histogram::new(BUCKETS));
        let help = "Time from the header of a request to its response";
        registry.register_with_unit(
            "http_request_duration",
            help,
            Unit::Seconds,
            durations.clone(),
        );
        registry.register_with_unit(
            "db_statement_duration",
            "Time from a query to its last row, by the name of the query",
            Unit::Seconds,
            store::query_durations(),
        );
        let memory = Gauge::default();
        let help = "Resident memory, on Linux only";
        registry.register_with_unit("process_resident_memory", help, Unit::Bytes, memory.clone());
        let started = ConstGauge::new(seconds_since_1970());
        let help = "Start time of the process, in seconds since 1970";
        registry.register_with_unit("process_start_time", help, Unit::Seconds, started);
        if let Some(up) = redis.up_gauge() {
            registry.register("redis_up", "1 while Redis is available, otherwise 0", up);
        }
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Self {
            in_flight: gauge("http_requests_in_flight", "Requests without a response yet"),
            pool_size: gauge("db_pool_size", "Open database connections"),
            pool_available: gauge("db_pool_available", "Idle database connections"),
            pool_waiting: gauge("db_pool_waiting", "Requests that wait for a database connection"),
            pool_max: gauge("db_pool_max", "Maximum number of database connections"),
            registry: Arc::new(registry),
            durations,
            database: database.clone(),
            memory,
        }
    }

    /// Counts a request as in flight until the returned value is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Records a response. `route` is the path as the OpenAPI document writes it, or empty.
    pub(crate) fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let (method, status) = (known(method), status.as_u16());
        let labels = Labels { method, route: route.to_owned(), status };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Returns all metrics in the OpenMetrics text format.
    pub(crate) fn render(&self) -> Response {
        let pool = self.database.status();
        let set = |gauge: &Gauge, value: usize| gauge.set(value.try_into().unwrap_or(i64::MAX));
        set(&self.pool_size, pool.size);
        set(&self.pool_available, pool.available);
        set(&self.pool_waiting, pool.waiting);
        set(&self.pool_max, pool.max_size);
        self.memory.set(resident_memory().unwrap_or_default());
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        Response::builder().content_type(CONTENT_TYPE).body(text)
    }
}

pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Returns the name of a standard method, or `other`.
fn known(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|name| method == name).unwrap_or("other")
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Returns the resident memory in bytes, on Linux only.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
