//! `cargo xtask psql`: opens psql with a prompt that names the project, profile and branch.

use std::process::ExitCode;

use context::{git, process, project::Project};
use deploy::ProductionArgs;

/// Open psql on the database, or run queries from a pipe
///
/// In production, psql rejects changes unless --write is given.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: ProductionArgs,
    /// Allow changes to a production database
    #[arg(long)]
    write: bool,
    /// Reject changes to a development database
    #[arg(long, conflicts_with = "write")]
    read_only: bool,
    /// Arguments for psql, after `--`, such as `psql -- --command 'SELECT 1'`
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Args {
    pub(crate) fn run(mut self, project: &Project) -> anyhow::Result<ExitCode> {
        let settings = project.settings()?;
        let (engine, state) = engine::selected(project, &settings, &self.stack)?;
        if process::is_interactive() {
            let branch = git::branch(project);
            // This argument comes first, so an argument of the user can override the prompt.
            let prompt = prompt(&settings.project, state.production, branch.as_deref());
            self.arguments.insert(0, format!("--set=PROMPT1={prompt}"));
        }
        // In scripts, the output must not depend on the user's settings in psqlrc.
        if !process::is_interactive() {
            self.arguments.insert(0, "--no-psqlrc".to_owned());
        }
        let read_only = self.read_only || (state.production && !self.write);
        process::exec(engine.psql(&self.arguments, read_only)?)
    }
}

/// Returns the prompt, such as `shop-1f2e3d dev main shop=# `. The prompt is red in production.
fn prompt(project: &str, production: bool, branch: Option<&str>) -> String {
    // Percent signs are doubled, because psql replaces sequences such as `%n` in a prompt.
    let branch = branch.map(|branch| format!(" {}", branch.replace('%', "%%"))).unwrap_or_default();
    let (profile, colour) = if production { ("production", "1;31") } else { ("dev", "32") };
    format!("%[%033[{colour}m%]{project} {profile}{branch}%[%033[0m%] %/%R%x%# ")
}

#[cfg(test)]
mod tests {
    use super::prompt;

    #[test]
    fn prompt_names_project_profile_and_branch_and_is_red_in_production() {
        let dev = prompt("shop-1", false, Some("100%`id`"));
        assert_eq!(dev, "%[%033[32m%]shop-1 dev 100%%`id`%[%033[0m%] %/%R%x%# ");
        let production = prompt("shop-1", true, None);
        assert_eq!(production, "%[%033[1;31m%]shop-1 production%[%033[0m%] %/%R%x%# ");
    }
}
