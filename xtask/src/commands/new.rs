//! `cargo xtask new`: source that the house would have written.

use std::process::ExitCode;

use crate::{generate, project::Project, report};

/// Write a new resource: migration, statements, operations, tests
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Resource(ResourceArgs),
}

/// Write a resource: its migration, statements, operations, tests and registrations
///
/// cargo xtask new resource book 'title:text' 'isbn:text(20)!' 'pages:int?' 'author:ref(persons)'
///
/// FIELD is name:type, with `?` after the type if it is optional and `!` if it is unique. Types: text,
/// text(MAX), int, bigint, numeric, numeric(DIGITS,SCALE), bool, uuid, date, timestamptz, jsonb (an
/// object), enum(one,other) and ref(RESOURCE). Where a shell would have to be told to leave these
/// characters alone: name:type:optional:unique, name:enum:one,other and name:ref:RESOURCE.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
struct ResourceArgs {
    /// What one of them is called, in the singular: book, order_line
    name: String,
    /// What it is made of: name:type, such as title:text
    #[arg(required = true, value_name = "FIELD")]
    fields: Vec<String>,
    /// What many of them are called, where English is not regular
    #[arg(long)]
    plural: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let What::Resource(ResourceArgs { name, fields, plural }) = self.what;
        let resource = generate::Resource::read(&name, plural.as_deref(), &fields, &project.root)?;
        let changes = generate::changes(&resource, &project.root)?;
        changes.write(&project.root)?;
        for (what, paths) in [("wrote", changes.new_files()), ("changed", changes.old_files())] {
            report::line(what);
            for path in paths {
                report::line(&format!("  {path}"));
            }
        }
        report::line("next");
        report::next(&format!("cargo test {}", resource.names.things()), "its tests");
        report::next("cargo xtask up", "applies the migration and serves it");
        report::next("cargo xtask openapi", "writes the document that clients are made from");
        report::line("The comments are the documentation page: say there what only you know.");
        Ok(ExitCode::SUCCESS)
    }
}
