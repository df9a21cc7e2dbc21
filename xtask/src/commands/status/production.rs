//! `cargo xtask status --production`: shows the state of the deployed release.

use std::process::ExitCode;

use serde::Serialize;

use super::{schema_text, table};
use context::report::{self, Mark};
use deploy::{
    Server,
    checks::Check,
    history::{Entry, Record},
    status::{self, ProductionStatus},
};

/// The output of `--json`.
#[derive(Serialize)]
struct Status<'a> {
    up: bool,
    server: &'a str,
    api: &'a str,
    docs: &'a str,
    #[serde(flatten)]
    overview: &'a ProductionStatus,
}

/// Prints the status. Returns 1 if the API is not ready or a check found a problem.
pub(super) fn show(server: &Server, json: bool) -> anyhow::Result<ExitCode> {
    let overview = status::ask(server)?;
    let up = !overview.services.is_empty();
    let (place, api) = (server.place(), server.url());
    let docs = format!("{api}/docs");
    if json {
        let status = Status { up, server: place, api: &api, docs: &docs, overview: &overview };
        report::json(&status)?;
    } else if up {
        report::field("Server", place);
        show_text(&overview, &api, &docs);
    } else {
        report::line(&format!(
            "nothing runs on {place}. Deploy a release with `cargo xtask deploy`."
        ));
    }
    Ok(if overview.is_abnormal() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show_text(overview: &ProductionStatus, api: &str, docs: &str) {
    let ProductionStatus { ready, releases, last, schema, services, checks } = overview;
    let releases: Vec<_> =
        releases.iter().map(|it| format!("{} on {} replicas", it.tag, it.replicas)).collect();
    let none = "none, because no API replica is running";
    report::field(
        "Release",
        if releases.is_empty() { none.to_owned() } else { releases.join(", ") },
    );
    if let Some(Record { time, entry: Entry { what, tag, who, state } }) = last {
        report::field("Last", format!("{what} of {tag} at {time} by {who}: {state}"));
    }
    report::field("API", format!("{api} ({})", if *ready { "ready" } else { "not ready" }));
    report::field("Docs", docs);
    report::field("Schema", schema_text(schema.as_ref()));
    table(services);
    report::line("");
    for Check { name, state, value } in checks {
        let mark = match *state {
            "ok" => Mark::Good,
            "abnormal" => Mark::Bad,
            _ => Mark::Warning,
        };
        report::check_result(mark, name, value);
    }
}
