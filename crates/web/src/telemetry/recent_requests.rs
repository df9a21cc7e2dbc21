//! The last requests with their queries and log lines, for the development page `/dev/requests`.
//!
//! A subscriber of `tracing` collects them from the spans that are also exported as traces. It does not record the
//! values of queries, because these can be personal data.

use std::{
    collections::VecDeque,
    fmt::{Debug, Write as _},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use config::{Config, Profile};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use super::request_context;

mod page;

/// The maximum number of stored requests. A new request then replaces the oldest one.
const MAX_REQUESTS: usize = 100;
/// The maximum number of queries, and of log lines, stored for a request. All others are only counted.
const MAX_DETAILS: usize = 50;
/// The maximum length of a text in bytes.
const MAX_TEXT: usize = 4000;

/// The names of the spans.
const REQUEST: &str = "request";
const QUERY: &str = "statement";

static REQUESTS: Mutex<VecDeque<Request>> = Mutex::new(VecDeque::new());

#[derive(Default)]
struct Request {
    ended: DateTime<Utc>,
    id: String,
    method: String,
    route: String,
    status: u16,
    took: Duration,
    account: Option<String>,
    queries: Vec<Query>,
    query_count: usize,
    /// The time of all queries.
    database: Duration,
    lines: Vec<String>,
}

#[derive(Default)]
struct Query {
    sql: String,
    error: Option<String>,
    started: Option<Instant>,
    took: Duration,
}

/// Returns true if the server was started by the development server. Other processes do not collect requests, because
/// this costs time.
pub fn is_shown(config: &Config) -> bool {
    config.reload_folder.is_some() && config.profile != Profile::Production
}

/// Collects the requests.
pub(crate) struct RecentRequests;

impl RecentRequests {
    /// Returns true for the spans and log lines that the page shows.
    pub(crate) fn needs(metadata: &Metadata<'_>) -> bool {
        metadata.is_span() || *metadata.level() <= Level::INFO
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RecentRequests {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let Some(span) = context.span(id) else { return };
        match span.name() {
            REQUEST => {
                let mut request = Request::default();
                attributes.record(&mut request);
                span.extensions_mut().insert(request);
            }
            QUERY => {
                let mut query = Query { started: Some(Instant::now()), ..Query::default() };
                attributes.record(&mut query);
                span.extensions_mut().insert(query);
            }
            _ => {}
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(query) = span.extensions_mut().get_mut::<Query>() {
            values.record(query);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event).as_ref().and_then(request_of) else { return };
        let mut extensions = span.extensions_mut();
        let Some(request) = extensions.get_mut::<Request>() else { return };
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        event.record(request);
        request.account = request_context::account().map(|id| id.to_string());
        if request.lines.len() < MAX_DETAILS {
            request.lines.push(line.0);
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let query = span.extensions_mut().remove::<Query>();
        let request = span.extensions_mut().remove::<Request>();
        // Skips cancelled requests, which end without a status.
        if let Some(mut request) = request.filter(|request| request.status != 0) {
            request.ended = Utc::now();
            let mut requests = requests();
            requests.truncate(MAX_REQUESTS - 1);
            requests.push_front(request);
        }
        if let (Some(mut query), Some(span)) = (query, request_of(&span)) {
            query.took = query.started.map_or(Duration::ZERO, |started| started.elapsed());
            if let Some(request) = span.extensions_mut().get_mut::<Request>() {
                request.add(query);
            }
        }
    }
}

impl Request {
    fn add(&mut self, query: Query) {
        self.query_count += 1;
        self.database += query.took;
        if self.queries.len() < MAX_DETAILS {
            self.queries.push(query);
        }
    }
}

/// Returns the span of the request that a span belongs to.
fn request_of<'s, S>(span: &SpanRef<'s, S>) -> Option<SpanRef<'s, S>>
where
    S: for<'a> LookupSpan<'a>,
{
    span.scope().find(|span| span.name() == REQUEST)
}

fn requests() -> MutexGuard<'static, VecDeque<Request>> {
    REQUESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the page with all requests, or with the one that has this id.
pub(crate) fn render(id: Option<&str>) -> String {
    page::render(&requests(), id)
}

impl Visit for Request {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = || shortened(format!("{value:?}"));
        match field.name() {
            "http.request.header.x-request-id" => self.id = text(),
            "method" => self.method = text(),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "route" {
            self.route = shortened(value.to_owned());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = u16::try_from(value).unwrap_or_default(),
            "microseconds" => self.took = Duration::from_micros(value),
            _ => {}
        }
    }
}

impl Visit for Query {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "error" {
            self.error = Some(shortened(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.query.text" {
            self.sql = shortened(value.to_owned());
        }
    }
}

/// A log line.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let line = &mut self.0;
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(line, " {value:?}"),
            name => write!(line, " {name}={value:?}"),
        };
        self.0 = shortened(mem::take(&mut self.0));
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}
