//! How long statements take, by their names.

use std::{sync::LazyLock, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};

/// Seconds: from memory, from a disk, a slow statement, a time limit.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

/// Which statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Labels {
    statement: &'static str,
}

/// Histograms of seconds.
pub type Timings = Family<Labels, Histogram, fn() -> Histogram>;

static TIMINGS: LazyLock<Timings> =
    LazyLock::new(|| Family::new_with_constructor(|| Histogram::new(BUCKETS)));

/// How long the statements of this process took, from the request to the last row, to be registered
/// with what publishes metrics.
pub fn timings() -> Timings {
    TIMINGS.clone()
}

pub(crate) fn observe(sql: &'static str, took: Duration) {
    let statement = name(sql);
    TIMINGS.get_or_create(&Labels { statement }).observe(took.as_secs_f64());
}

/// Returns the name of a query: its first comment line.
pub(crate) fn name(sql: &'static str) -> &'static str {
    sql.lines().find_map(|line| line.trim_start().strip_prefix("-- ")).unwrap_or("unnamed")
}
