//! The duration of queries, by name.

use std::{sync::LazyLock, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};

/// The upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

/// The labels of a histogram.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Labels {
    statement: &'static str,
}

/// Histograms of the duration in seconds.
pub type QueryDurations = Family<Labels, Histogram, fn() -> Histogram>;

static DURATIONS: LazyLock<QueryDurations> =
    LazyLock::new(|| Family::new_with_constructor(|| Histogram::new(BUCKETS)));

/// Returns the durations of this process's queries, from the request to the last row, for the metrics registry.
pub fn query_durations() -> QueryDurations {
    DURATIONS.clone()
}

pub(crate) fn observe(sql: &'static str, took: Duration) {
    let statement = name(sql);
    DURATIONS.get_or_create(&Labels { statement }).observe(took.as_secs_f64());
}

/// Returns the name of a query: its first comment line.
pub(crate) fn name(sql: &'static str) -> &'static str {
    sql.lines().find_map(|line| line.trim_start().strip_prefix("-- ")).unwrap_or("unnamed")
}
