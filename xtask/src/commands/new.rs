//! `cargo xtask new`: generates a resource, or adds a field to a resource.

use std::process::ExitCode;

use anyhow::Context;
use context::{process, project::Project, report};
use serde::Serialize;

use super::openapi;
use crate::scaffold::{self, Changes};

/// Generate a resource, or add a field to a resource
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(clap::Subcommand)]
enum Kind {
    Resource(ResourceArgs),
    Field(FieldArgs),
}

/// Generate a resource: its operations and queries, migrations, test and registrations
///
/// cargo xtask new resource book 'title:text' 'isbn:text(20)!' 'pages:int?' 'author:ref(persons)'
///
/// FIELD is NAME:TYPE. Add `?` to the type of an optional field and `!` to the type of a unique field. Types:
///   text, text(MAX), text[]      one line of text, or a list of them
///   int, bigint, float           numbers
///   numeric, numeric(12,2)       exact decimal numbers, as text
///   bool, uuid, email, url, date, time, timestamptz
///   jsonb                        an object of any shape
///   enum(one,other)              one of these values
///   ref(RESOURCE)                the id of another resource, named by its plural
///   many(RESOURCE)               a list of ids of another resource
/// To avoid quotes in the shell, write NAME:TYPE:optional:unique or NAME:enum:one,other.
#[derive(clap::Args, Serialize)]
#[command(verbatim_doc_comment)]
struct ResourceArgs {
    /// The name in the singular, such as book or order_line
    name: String,
    /// The fields as NAME:TYPE, such as title:text
    #[arg(required = true, value_name = "FIELD")]
    fields: Vec<String>,
    /// The plural [default: the English plural of NAME]
    #[arg(long)]
    plural: Option<String>,
    /// The domain, which is a crate in crates/domains [default: the domain that was used last, until it has 3 resources]
    #[arg(long)]
    domain: Option<String>,
    /// Rows belong to the account that creates them; only that account and admins see them
    #[arg(long)]
    owned: bool,
    /// Put the path below another resource, such as /persons/{person_id}/notes
    #[arg(long, value_name = "RESOURCE")]
    under: Option<String>,
    /// Add a full-text search of these fields, separated by commas
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    search: Vec<String>,
    #[command(flatten)]
    #[serde(skip)]
    build: BuildArgs,
}

/// Add a field to a resource: its migrations, queries and types
///
/// cargo xtask new field book 'subtitle:text?'
///
/// A field that is not optional needs --default, the value for existing rows. Requests without the field
/// get the same value.
#[derive(clap::Args, Serialize)]
#[command(verbatim_doc_comment)]
struct FieldArgs {
    /// The name of the resource, such as book
    resource: String,
    /// The field as NAME:TYPE, as in `new resource`
    #[arg(value_name = "FIELD")]
    field: String,
    /// The value for existing rows
    #[arg(long, allow_hyphen_values = true)]
    default: Option<String>,
    #[command(flatten)]
    #[serde(skip)]
    build: BuildArgs,
}

#[derive(clap::Args)]
pub(super) struct BuildArgs {
    /// Do not build the API to write openapi.json
    #[arg(long)]
    no_openapi: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        match self.kind {
            Kind::Resource(args) => args.run(project),
            Kind::Field(args) => args.run(project),
        }
    }
}

impl ResourceArgs {
    fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let changes = scaffold::write(project, "resource", &serde_json::to_string(&self)?)?;
        let Changes { domain, reason, test, .. } = &changes;
        report::line(&format!(
            "domain {domain}: {reason}. Use --domain NAME to choose another domain."
        ));
        self.build.report(&changes, project)?;
        report::line("next steps");
        report::next(&format!("cargo test {test}"), "run the test of the resource");
        report::next("cargo xtask up", "apply the migration and serve the resource");
        report::line(
            "The docs page shows the doc comments of the fields. Edit the comments to describe the fields.",
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl FieldArgs {
    fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let changes = scaffold::write(project, "field", &serde_json::to_string(&self)?)?;
        self.build.report(&changes, project)?;
        report::line("next steps");
        report::next("cargo xtask migrate check", "check that the migration is safe");
        report::next("cargo xtask up", "apply the migration and serve the field");
        Ok(ExitCode::SUCCESS)
    }
}

impl BuildArgs {
    /// Prints the changes and writes openapi.json.
    ///
    /// # Errors
    /// The source does not compile.
    pub(super) fn report(&self, changes: &Changes, project: &Project) -> anyhow::Result<()> {
        for (step, path) in &changes.steps {
            report::line(&format!("{step:<8}{path}"));
        }
        // Adds the new crate to Cargo.lock, because later commands use `--locked` and would fail.
        process::output(&mut project.cargo(&["update", "--workspace", "--offline"]))?;
        if self.no_openapi {
            report::next("cargo xtask openapi", "write openapi.json");
            return Ok(());
        }
        openapi::write(project).context(
            "the files were written, but not openapi.json. Fix the error and run `cargo xtask openapi`",
        )
    }
}
