//! Changes the source files for `cargo xtask new` and `cargo xtask remove`, which run this program.
//!
//! usage: `scaffold plan|write ROOT resource|field|removal REQUEST`
//!
//! `plan` only prints the changes as JSON, `write` also makes them.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::bail;
use scaffold::{Plan, Removal, new_field, new_resource, remove_resource};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let printed = run(&arguments).and_then(|report| Ok(writeln!(io::stdout(), "{report}")?));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Errors are ignored, because stderr may be closed.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the report of a command.
fn run(arguments: &[String]) -> anyhow::Result<Value> {
    let [mode @ ("plan" | "write"), root, command, request] =
        &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        bail!("usage: scaffold plan|write ROOT resource|field|removal REQUEST");
    };
    let root = Path::new(root);
    let (plan, mut report) = match *command {
        "resource" => {
            let (plan, domain, things) = new_resource(root, &serde_json::from_str(request)?)?;
            (plan, json!({ "domain": domain.name, "reason": domain.reason, "test": things }))
        }
        "field" => (new_field(root, &serde_json::from_str(request)?)?, json!({})),
        "removal" => {
            let Removal { plan, first_migration, uncommitted } = remove_resource(root, request)?;
            (plan, json!({ "first_migration": first_migration, "uncommitted": uncommitted }))
        }
        _ => bail!("`{command}` is not a command"),
    };
    report["steps"] = steps(&plan);
    if *mode == "write" {
        plan.write()?;
    }
    Ok(report)
}

fn steps(plan: &Plan) -> Value {
    plan.steps().iter().map(|(step, path)| json!([step, path])).collect()
}
