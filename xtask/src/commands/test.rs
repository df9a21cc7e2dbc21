//! `cargo xtask test`: runs `cargo test` with the engine of the stack.

use std::process::ExitCode;

use context::{engine_kind::EngineChoice, process, project::Project, report};
use deploy::previous_release;

/// Run `cargo test` with a database from the engine of the stack
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The engine of the test database [default: the running engine, otherwise ENGINE in .env]
    #[arg(long, value_enum)]
    engine: Option<EngineChoice>,
    /// Run the end-to-end tests of the previous release (the last tag v*) against the schema of this checkout
    #[arg(long)]
    previous_release: bool,
    /// Arguments for `cargo test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let engine = engine::select(project, self.engine)?.engine;
        let settings = project.settings()?;
        let mut arguments = self.arguments;
        if self.previous_release {
            let Some(release) = previous_release::check_out(project)? else {
                report::line("there is no release yet (a tag v*), so no tests were run");
                return Ok(ExitCode::SUCCESS);
            };
            arguments.splice(..0, release.arguments());
        }
        let mut test = project.cargo(&["test"]);
        test.args(arguments);
        test.env("POSTGRES_IMAGE", &settings.postgres_image);
        // Tests never use a database that someone else runs.
        if engine.runs_database() {
            test.env("TEST_POSTGRES", engine.as_str());
        }
        process::exec(test)
    }
}
