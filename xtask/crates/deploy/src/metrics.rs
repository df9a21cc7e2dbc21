//! Reads the metrics of the replicas.

use std::thread;

use anyhow::{Context, ensure};

use crate::server::Server;
use context::process;

/// The metrics of all replicas since their start, without health checks.
#[derive(Default)]
pub(super) struct Metrics {
    pub(super) requests: f64,
    /// The requests with a status of 500 and above.
    pub(super) errors: f64,
    pub(super) connections: f64,
    pub(super) max_connections: f64,
    /// The requests that wait for a database connection.
    pub(super) waiting: f64,
    /// The upper bound in seconds, and the number of faster requests.
    pub(super) buckets: Vec<(f64, f64)>,
}

impl Metrics {
    /// Reads and adds the metrics of the replicas with these container ids.
    ///
    /// # Errors
    /// No replica is given, or a replica does not serve metrics.
    pub(super) fn read(server: &Server, api: &[&str]) -> anyhow::Result<Self> {
        ensure!(!api.is_empty(), "no API replica is running. Run cargo xtask deploy.");
        let texts: anyhow::Result<Vec<_>> = thread::scope(|scope| {
            let read = |id| process::output(&mut server.docker(["exec", id, "/api", "metrics"]));
            let reads: Vec<_> = api.iter().map(|id| scope.spawn(move || read(*id))).collect();
            reads.into_iter().map(|it| it.join().expect("reading does not panic")).collect()
        });
        let mut metrics = Self::default();
        for text in texts.context("cannot read the metrics")? {
            text.lines().for_each(|line| metrics.add(line));
        }
        Ok(metrics)
    }

    /// Adds a line such as `db_pool_size 3` or `name{status="200",le="0.1"} 7`.
    fn add(&mut self, line: &str) {
        let Some((series, value)) = line.rsplit_once(' ') else { return };
        let Ok(value) = value.parse::<f64>() else { return };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\""))?;
            rest.split('"').next()
        };
        let is_health = label("route").is_some_and(|route| route.starts_with("/health/"));
        match name {
            "http_request_duration_seconds_count" if !is_health => {
                self.requests += value;
                if label("status").is_some_and(|status| status.starts_with('5')) {
                    self.errors += value;
                }
            }
            "http_request_duration_seconds_bucket" if !is_health => {
                let bound = label("le").and_then(|le| le.replace("+Inf", "inf").parse().ok());
                let bound: f64 = bound.unwrap_or(f64::INFINITY);
                match self.buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                    Some((_, count)) => *count += value,
                    None => self.buckets.push((bound, value)),
                }
            }
            "db_pool_size" => self.connections += value,
            "db_pool_max" => self.max_connections += value,
            "db_pool_waiting" => self.waiting += value,
            _ => {}
        }
    }

    /// Returns the upper bound of the bucket with the quantile, in seconds. `None` without requests.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let mut buckets = self.buckets.clone();
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let all = self.requests;
        buckets.into_iter().find(|(_, count)| all > 0.0 && *count >= quantile * all).map(|it| it.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn metrics_of_replicas_are_added_without_health_checks() {
        let mut metrics = Metrics::default();
        let replica = r#"
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_count{method="GET",route="/persons",status="200"} 98
http_request_duration_seconds_bucket{le="0.01",method="GET",route="/persons",status="200"} 97
http_request_duration_seconds_bucket{le="0.25",method="GET",route="/persons",status="200"} 98
http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/persons",status="200"} 98
http_request_duration_seconds_count{method="GET",route="/persons",status="503"} 2
http_request_duration_seconds_bucket{le="0.01",method="GET",route="/persons",status="503"} 0
http_request_duration_seconds_bucket{le="0.25",method="GET",route="/persons",status="503"} 1
http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/persons",status="503"} 2
http_request_duration_seconds_count{method="GET",route="/health/ready",status="503"} 9
db_pool_size 3
db_pool_max 8
db_pool_waiting 0
"#;
        for line in [replica, replica].concat().lines() {
            metrics.add(line);
        }
        assert_eq!((metrics.requests, metrics.errors), (200.0, 4.0));
        assert_eq!((metrics.connections, metrics.max_connections), (6.0, 16.0));
        assert_eq!(metrics.quantile(0.9), Some(0.01));
        assert_eq!(metrics.quantile(0.99), Some(0.25));
        assert_eq!(metrics.quantile(1.0), Some(f64::INFINITY));
    }
}
