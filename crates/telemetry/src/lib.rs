//! What a process tells of itself: its log, and traces for an OpenTelemetry collector if one is configured. A
//! crate of its own, since it would be a fifth of what each edit of the API has the compiler go through.

mod collector;
mod lines;
mod request;

use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use config::{Config, Profile};
use http::{HeaderMap, Method, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{Metadata, Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use lines::Lines;
pub use lines::flush;
use request::Naming;
pub use request::{during, is_by};

/// How long the end of the process may wait for the collector.
const FLUSH: Duration = Duration::from_secs(2);

/// The log and the traces of this process.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// From now on, the process writes a log to stderr, of what `filter` lets through (as RUST_LOG has
    /// it), and sends traces if `config` says where to. To be called once, in the runtime.
    ///
    /// # Errors
    /// A collector's address that is none.
    pub fn start(config: &Config, filter: Option<String>) -> anyhow::Result<Self> {
        let filter = filter.and_then(|text| EnvFilter::try_new(text).ok());
        let filter = filter.unwrap_or_else(|| EnvFilter::new("info"));
        let Some(traces) = &config.traces else {
            tracing_subscriber::registry().with(filter).with(log(config.profile)).init();
            return Ok(Self(None));
        };
        let provider = collector::provider(traces)?;
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("slipway"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_ours).with_max_level_hint(LevelFilter::DEBUG));
        let log = log(config.profile).with_filter(filter);
        tracing_subscriber::registry().with(log).with(spans).init();
        Ok(Self(Some(provider)))
    }

    /// Sends the last traces. It takes two seconds at most.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        let flushed = spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        if !matches!(timeout(FLUSH, flushed).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the collector did not get the last traces");
        }
    }
}

/// One JSON object a line in production, text for people elsewhere.
fn log<S>(profile: Profile) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let log = fmt::layer().with_writer(Lines);
    let format = fmt::format();
    if profile == Profile::Production {
        let format =
            format.json().flatten_event(true).with_current_span(false).with_span_list(false);
        log.event_format(Naming { format, is_json: true }).boxed()
    } else {
        // The layer writes the fields of spans, and the format the rest.
        let is_colored = stderr().is_terminal();
        let format = format.with_ansi(is_colored);
        log.with_ansi(is_colored).event_format(Naming { format, is_json: false }).boxed()
    }
}

/// Whether a span is one of requests or statements: no collector is told of lines of the log.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && ["api::", "web::", "db::", "store::"].iter().any(|it| metadata.target().starts_with(it))
}

/// Makes `span`, which has not been entered yet, a part of the trace that the client names in its headers.
pub fn begin(span: &Span, headers: &HeaderMap) {
    let client = HeaderExtractor(headers);
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &client);
    // Fails where nobody listens to spans, as in tests.
    let _ = span.set_parent(parent);
}

/// Tells `span` what became of its request.
pub fn end(span: &Span, method: &Method, route: &str, status: StatusCode, id: &str) {
    let context = span.context();
    let span = context.span();
    span.update_name(format!("{method} {route}"));
    span.set_attributes([
        KeyValue::new("http.request.method", method.to_string()),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
        KeyValue::new("http.request.header.x-request-id", id.to_owned()),
    ]);
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}
