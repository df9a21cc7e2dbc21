//! The page `/dev/requests`.

use std::{collections::VecDeque, fmt::Write as _, time::Duration};

use super::{Query, Request};
use crate::html::escape;

const PAGE: &str = include_str!("page.html");
/// Slower queries and requests are marked.
const SLOW_QUERY: Duration = Duration::from_millis(100);
const SLOW_REQUEST: Duration = Duration::from_secs(1);

/// Returns the page with the request that has this id, or with all requests.
pub(super) fn render(requests: &VecDeque<Request>, id: Option<&str>) -> String {
    let shown = requests.iter().filter(|request| id.is_none_or(|id| request.id == id));
    let rows: String = shown.map(|request| row(request, id.is_some())).collect();
    let empty = match id {
        Some(_) => "<p>This request is not one of the last 100. <a href=\"?\">Show all</a></p>",
        None => "<p>No requests yet. Send one, and reload this page.</p>",
    };
    PAGE.replace("{rows}", if rows.is_empty() { empty } else { &rows })
}

fn row(request: &Request, is_open: bool) -> String {
    let Request { id, method, route, status, took, account, queries, query_count, .. } = request;
    let state = match (status, *took >= SLOW_REQUEST) {
        (500.., _) => "failed",
        (_, true) => "slow",
        _ => "",
    };
    let route = if route.is_empty() { "unknown path" } else { route };
    let mut row = format!(
        "<details{}><summary class=\"{state}\"><b>{status}</b> <code>{method} {}</code> <span>{} · {query_count} \
         queries, {} · {}</span></summary>",
        if is_open { " open" } else { "" },
        escape(route),
        milliseconds(*took),
        milliseconds(request.database),
        request.ended.format("%H:%M:%S UTC"),
    );
    let account = account.as_deref().unwrap_or("anonymous");
    // Writing to a text does not fail.
    let _ = write!(row, "<p><a href=\"?id={0}\">{0}</a> · account: {account}</p>", escape(id));
    for query in queries {
        row.push_str(&query_text(query));
    }
    let further = query_count - queries.len();
    if further > 0 {
        let _ = write!(row, "<p>{further} further queries</p>");
    }
    let _ = write!(row, "<pre>{}</pre></details>", escape(&request.lines.join("\n")));
    row
}

fn query_text(Query { sql, error, took, .. }: &Query) -> String {
    let state = if error.is_some() {
        "failed"
    } else if *took >= SLOW_QUERY {
        "slow"
    } else {
        ""
    };
    let error = error.as_ref().map_or_else(String::new, |it| format!("<b>{}</b>", escape(it)));
    let took = milliseconds(*took);
    format!(
        "<figure class=\"{state}\"><figcaption>{took} {error}</figcaption><pre>{}</pre></figure>",
        escape(&dedent(sql))
    )
}

/// Removes the indentation that all lines after the first have.
fn dedent(sql: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let lines = sql.lines().skip(1).filter(|line| !line.trim().is_empty());
    let common = " ".repeat(lines.map(indentation).min().unwrap_or(0));
    sql.replace(&format!("\n{common}"), "\n")
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
