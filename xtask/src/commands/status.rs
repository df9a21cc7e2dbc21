//! `cargo xtask status`: shows the state of the stack.

mod all;
mod production;

use std::process::ExitCode;

use serde::Serialize;

use context::{http, project::Project, report, service::Service, state::State, urls::Urls};
use deploy::ProductionArgs;
use engine::{DevServer, Engine, SourceStatus};

/// Show the state of the stack: engine, services, health, ports, URLs, schema, uptime, memory
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show the stacks of all checkouts on this machine
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    production: ProductionArgs,
}

/// The output of `--json`.
#[derive(Serialize)]
pub(super) struct Status {
    up: bool,
    ready: bool,
    engine: &'static str,
    why: String,
    profile: &'static str,
    api: String,
    docs: String,
    /// The URL of the database. `None` if its port is not published.
    database: Option<String>,
    services: Vec<Service>,
    schema: Option<serde_json::Value>,
    /// The state of the newest source. `None` in production.
    source: Option<SourceStatus>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        if self.all {
            all::show(self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(server) = self.production.server(project, &project.settings()?)? {
            production::show(&server, self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let Ok((engine, state)) = engine::current(project) else {
            // A stopped stack is not an error, but invalid settings are.
            project.settings()?;
            report::line(if self.json {
                r#"{"up":false}"#
            } else {
                "no stack is running. Start the stack with `cargo xtask up`."
            });
            return Ok(ExitCode::SUCCESS);
        };
        let status = Status::of(project, &*engine, &state)?;
        if self.json {
            report::json(&status)?;
        } else {
            status.show();
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Status {
    pub(super) fn of(
        project: &Project,
        engine: &dyn Engine,
        state: &State,
    ) -> anyhow::Result<Self> {
        let settings = project.settings()?;
        let Urls { api, docs, database } = Urls::of(state, &settings);
        Ok(Self {
            up: true,
            ready: http::is_ready(state.api_port),
            engine: state.engine.as_str(),
            why: state.why.clone(),
            profile: if state.production { "production" } else { "dev" },
            api,
            docs,
            database,
            services: engine.services(true)?,
            schema: schema(engine),
            source: engine.dev_server().and_then(DevServer::status),
        })
    }

    fn show(&self) {
        report::field("Engine", format!("{}: {}", self.engine, self.why));
        report::field("Profile", self.profile);
        report::field(
            "API",
            format!("{} ({})", self.api, if self.ready { "ready" } else { "not ready" }),
        );
        report::field("Docs", &self.docs);
        if let Some(database) = &self.database {
            report::field("Database", database);
        }
        report::field("Schema", schema_text(self.schema.as_ref()));
        if let Some(source) = &self.source {
            report::field("Source", source);
        }
        table(&self.services);
    }
}

fn schema_text(schema: Option<&serde_json::Value>) -> String {
    let Some(schema) = schema else {
        return "unknown, because the database does not respond".to_owned();
    };
    let pending = schema["pending"].as_array().map_or(0, Vec::len);
    format!("version {}, {pending} migrations pending", schema["version"])
}

fn table(services: &[Service]) {
    report::line("");
    let rows: Vec<_> = services.iter().map(row).collect();
    report::table(&["  SERVICE", "STATE", "HEALTH", "PORT", "UPTIME", "MEMORY"], &rows);
}

fn row(service: &Service) -> Vec<String> {
    let Service { name, state, health, port, uptime, memory } = service;
    let port = port.map_or_else(String::new, |port| port.to_string());
    let memory = memory.map_or_else(String::new, |bytes| format!("{} MiB", bytes / 1_048_576));
    vec![format!("  {name}"), state.clone(), health.clone(), port, uptime.clone(), memory]
}

/// Returns the output of `migrate status`. Returns `None` if the database does not respond.
fn schema(engine: &dyn Engine) -> Option<serde_json::Value> {
    let output = engine.migrate(&["status", "--json"], false).ok()?.output().ok()?;
    serde_json::from_slice(&output.stdout).ok()
}
