//! Adds the request's id, trace and account to each log line.
//!
//! A task-local variable holds them. A `tracing` span would take a tenth of a short request's time, so spans
//! exist only while traces are exported.

use std::{cell::OnceCell, fmt, sync::Arc};

use tokio::task_local;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};
use uuid::Uuid;

task_local! {
    static CURRENT: RequestContext;
}

/// The initial capacity of a line, which is enough for most lines.
const LINE_CAPACITY: usize = 512;

struct RequestContext {
    id: Arc<str>,
    trace_id: Option<String>,
    account_id: OnceCell<Uuid>,
}

impl RequestContext {
    /// Calls `add` for each field. The values do not need escaping.
    fn for_each_field(&self, mut add: impl FnMut(&str, &str)) {
        add("request_id", &self.id);
        if let Some(id) = &self.trace_id {
            add("trace_id", id);
        }
        if let Some(id) = self.account_id.get() {
            add("account_id", id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        }
    }
}

/// Runs `work` for a request: its log lines contain the ids of the request and of the trace. The ids must consist
/// of letters, digits, `-`, `_` and `.`.
pub(crate) async fn with_request<T>(
    id: Arc<str>,
    trace_id: Option<String>,
    work: impl Future<Output = T>,
) -> T {
    CURRENT.scope(RequestContext { id, trace_id, account_id: OnceCell::new() }, work).await
}

/// Adds the account to the following log lines of the current request.
pub(crate) fn set_account(account_id: Uuid) {
    // Errors are ignored. They occur outside a request, and if the account is already set.
    let _ = CURRENT.try_with(|request| request.account_id.set(account_id));
}

/// Returns the account of the current request.
pub(crate) fn account() -> Option<Uuid> {
    CURRENT.try_with(|request| request.account_id.get().copied()).ok().flatten()
}

/// Adds the fields of the current request to each line of a format.
pub(crate) struct WithRequestFields<F> {
    pub(crate) format: F,
    /// True if lines are JSON objects, false if they are text.
    pub(crate) is_json: bool,
}

impl<F, S, N> FormatEvent<S, N> for WithRequestFields<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(LINE_CAPACITY);
        self.format.format_event(context, Writer::new(&mut line), event)?;
        let end = if self.is_json { "}\n" } else { "\n" };
        let Some(length) = line.strip_suffix(end).map(str::len) else {
            return writer.write_str(&line);
        };
        line.truncate(length);
        // The result is an error outside a request, where there are no fields to add.
        let _ = CURRENT.try_with(|request| {
            request.for_each_field(|name, value| {
                let parts = if self.is_json {
                    [",\"", name, "\":\"", value, "\""]
                } else {
                    [" ", name, "=", value, ""]
                };
                line.extend(parts);
            });
        });
        line.push_str(end);
        writer.write_str(&line)
    }
}
