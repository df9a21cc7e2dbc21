//! `cargo xtask status --production`: shows the state of the deployed release.

use serde::Serialize;

use super::{schema_text, table};
use context::report;
use deploy::{
    Server,
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

pub(super) fn show(server: &Server, json: bool) -> anyhow::Result<()> {
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
    Ok(())
}

fn show_text(overview: &ProductionStatus, api: &str, docs: &str) {
    let ProductionStatus { ready, releases, last, schema, services } = overview;
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
}
