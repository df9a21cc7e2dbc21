//! The log of the process, and traces for an OpenTelemetry collector if one is configured.

mod collector;
pub mod recent_requests;
mod request_context;

use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use config::{Config, Profile};
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use poem::http::{HeaderMap, Method, StatusCode};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{Metadata, Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use recent_requests::RecentRequests;
use request_context::WithRequestFields;
pub(crate) use request_context::{set_account, with_request};

/// The time that the shutdown of the process may wait for the collector.
const FLUSH: Duration = Duration::from_secs(2);

/// The options of the log.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// The filter in the syntax of RUST_LOG. Default: `info`.
    pub filter: Option<String>,
    /// True if NO_COLOR is set. The log then has no colours, even on a terminal.
    pub no_color: bool,
}

/// The log and the traces of this process.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Starts the log on stderr, and the export of traces if `config` names a collector. Call once, in the runtime.
    ///
    /// # Errors
    /// The address of the collector is invalid.
    pub fn start(config: &Config, options: LogOptions) -> anyhow::Result<Self> {
        let is_colored = stderr().is_terminal() && !options.no_color;
        let filter = options.filter.and_then(|text| EnvFilter::try_new(text).ok());
        let filter = filter.unwrap_or_else(|| EnvFilter::new("info"));
        if !needs_spans(config) {
            let log = log(config.profile, is_colored);
            tracing_subscriber::registry().with(filter).with(log).init();
            return Ok(Self(None));
        }
        let provider = config.traces.as_ref().map(collector::provider).transpose()?;
        let spans = provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("slipway"))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::DEBUG))
        });
        let recent = recent_requests::is_shown(config).then(|| {
            let needs = filter_fn(RecentRequests::needs);
            RecentRequests.with_filter(needs.with_max_level_hint(LevelFilter::DEBUG))
        });
        // Lines show the ids of the request instead of its span.
        let filter = filter.and(filter_fn(is_line));
        let log = log(config.profile, is_colored).with_filter(filter);
        tracing_subscriber::registry().with(log).with(spans).with(recent).init();
        Ok(Self(provider))
    }

    /// Sends the last traces, for up to two seconds.
    pub async fn shutdown(self) {
        let Some(provider) = self.0 else { return };
        let flushed = spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        if !matches!(timeout(FLUSH, flushed).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the collector did not receive the last traces");
        }
    }
}

/// Returns true if requests and queries need spans: for a collector, or for the page `/dev/requests`.
pub(crate) fn needs_spans(config: &Config) -> bool {
    config.traces.is_some() || recent_requests::is_shown(config)
}

/// Writes one JSON object per line in production, and text in every other profile.
fn log<S>(profile: Profile, is_colored: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let log = fmt::layer().with_writer(stderr);
    let format = fmt::format();
    if profile == Profile::Production {
        let format =
            format.json().flatten_event(true).with_current_span(false).with_span_list(false);
        log.event_format(WithRequestFields { format, is_json: true }).boxed()
    } else {
        // Colours are set twice, because `log` writes the fields of spans and `format` writes the rest.
        let format = format.with_ansi(is_colored);
        log.with_ansi(is_colored).event_format(WithRequestFields { format, is_json: false }).boxed()
    }
}

/// Returns true for spans, but not for log lines and for the spans of dependencies.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && !is_dependency(metadata.target())
}

/// Returns true for log lines, and false for spans.
fn is_line(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

fn is_dependency(target: &str) -> bool {
    let crate_name = target.split("::").next().unwrap_or_default();
    ["h2", "hyper", "hyper_util", "poem", "tokio"].contains(&crate_name)
}

/// Makes `span`, which must not have been entered yet, a child of the trace in the client's headers.
pub(crate) fn set_parent(span: &Span, headers: &HeaderMap) {
    let client = HeaderExtractor(headers);
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &client);
    // The result is an error if nothing records spans, as in tests.
    let _ = span.set_parent(parent);
}

/// Records the response to a request on its span.
pub(crate) fn record_response(span: &Span, method: &Method, route: &str, status: StatusCode) {
    let context = span.context();
    let span = context.span();
    span.update_name(format!("{method} {route}"));
    span.set_attributes([
        KeyValue::new("http.request.method", method.to_string()),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
    ]);
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}

#[cfg(test)]
mod tests {
    use super::is_dependency;

    #[test]
    fn spans_of_every_crate_of_the_project_are_exported() {
        for target in ["people::persons", "web::routes", "store::connection"] {
            assert!(!is_dependency(target), "{target}");
        }
        assert!(is_dependency("h2::codec") && is_dependency("hyper"));
    }
}
