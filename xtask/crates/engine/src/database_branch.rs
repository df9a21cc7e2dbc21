//! Switches the database to the copy of the current git branch.

use std::fs;

use anyhow::Context;
use context::{git, project::Project, report, settings::Settings};

use crate::engine::Engine;

/// The post-checkout hook of git. The hook runs the xtask binary, because `cargo run` could compile first.
/// The hook always succeeds, because git has already switched the branch.
const HOOK: &str = "\
#!/bin/sh
# With DATABASE_BRANCHES=git in .env, switches the database to the copy of the branch. See docs/branches.md.
xtask=${CARGO_TARGET_DIR:-target}/debug/xtask
if [ \"$3\" = 1 ] && [ -d xtask ] && [ -x \"$xtask\" ]; then
    CARGO_MANIFEST_DIR=\"$PWD/xtask\" \"$xtask\" db branch follow
fi
exit 0
";

/// With DATABASE_BRANCHES=git, installs the git hook and switches to the database copy of the current branch.
/// Returns a message about the switch.
pub fn follow(
    project: &Project,
    engine: &dyn Engine,
    settings: &Settings,
    production: bool,
) -> anyhow::Result<Option<String>> {
    if !settings.database_branches || production {
        return Ok(None);
    }
    install_hook(project)?;
    let Some(name) = git::branch(project) else { return Ok(None) };
    Ok(Some(switch(project, engine, &name, true)?))
}

/// Switches to the database copy of the branch `name` and returns the output of the migration tool.
/// With `standalone`, the switch does not need a running API.
pub fn switch(
    project: &Project,
    engine: &dyn Engine,
    name: &str,
    standalone: bool,
) -> anyhow::Result<String> {
    let (previous, parents) = (git::branch_before(project), git::parents(project, name));
    let mut arguments = vec!["branch", "switch", name];
    arguments.extend(previous.iter().flat_map(|previous| ["--left", previous]));
    arguments.extend(parents.iter().flat_map(|parent| ["--parent", parent]));
    Ok(engine.migrate_output(&arguments, standalone)?.trim_end().to_owned())
}

fn install_hook(project: &Project) -> anyhow::Result<()> {
    let Some((hooks, is_own)) = git::hooks(project) else { return Ok(()) };
    let path = hooks.join("post-checkout");
    match fs::read_to_string(&path) {
        Ok(text) if text.contains("db branch follow") => return Ok(()),
        Ok(_) => {
            report::note(&format!(
                "{} already exists. Add `target/debug/xtask db branch follow` to the hook; otherwise, only `up` \
                 switches the database",
                path.display()
            ));
            return Ok(());
        }
        Err(_) if !is_own => {
            report::note(&format!(
                "`core.hooksPath` of git selects {}, which this project does not change. Add a hook post-checkout \
                 with `target/debug/xtask db branch follow`; otherwise, only `up` switches the database",
                hooks.display()
            ));
            return Ok(());
        }
        Err(_) => {}
    }
    let write = || {
        fs::create_dir_all(&hooks)?;
        fs::write(&path, HOOK)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        std::io::Result::Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    report::note(
        "installed .git/hooks/post-checkout, which switches the database when the git branch changes",
    );
    Ok(())
}
