//! Which request a line of the log is about, and who sent it.
//!
//! A span would tell it as well, but takes a tenth of all that a server does for a short request: it is stored, and
//! entered and left at each step. Traces alone are worth that.

use std::{cell::OnceCell, fmt, sync::Arc};

use tokio::task_local;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};
use uuid::Uuid;

task_local! {
    static CURRENT: Request;
}

/// Bytes of most lines.
const USUAL: usize = 512;

struct Request {
    id: Arc<str>,
    trace_id: Option<String>,
    account_id: OnceCell<Uuid>,
}

impl Request {
    /// Nothing in it needs escaping.
    fn each(&self, mut add: impl FnMut(&str, &str)) {
        add("request_id", &self.id);
        if let Some(id) = &self.trace_id {
            add("trace_id", id);
        }
        if let Some(id) = self.account_id.get() {
            add("account_id", id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        }
    }
}

/// Does `work` for a request: the lines that it writes to the log name the request, and the trace that it is a part
/// of. The ids are letters, digits, `-`, `_` and `.` alone.
pub async fn during<T>(id: Arc<str>, trace_id: Option<String>, work: impl Future<Output = T>) -> T {
    CURRENT.scope(Request { id, trace_id, account_id: OnceCell::new() }, work).await
}

/// From now on, the lines about this request name the account that sends it.
pub fn is_by(account_id: Uuid) {
    // Outside a request there is nothing to add it to, and there is one sender at most.
    let _ = CURRENT.try_with(|request| request.account_id.set(account_id));
}

/// Adds to each line of a format which request it is about.
pub(crate) struct Naming<F> {
    pub(crate) format: F,
    /// Whether lines are JSON objects, not text.
    pub(crate) is_json: bool,
}

impl<F, S, N> FormatEvent<S, N> for Naming<F>
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
        let mut line = String::with_capacity(USUAL);
        self.format.format_event(context, Writer::new(&mut line), event)?;
        let end = if self.is_json { "}\n" } else { "\n" };
        let Some(length) = line.strip_suffix(end).map(str::len) else {
            return writer.write_str(&line);
        };
        line.truncate(length);
        // Outside a request, there is nothing to add.
        let _ = CURRENT.try_with(|request| {
            request.each(|name, value| {
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
