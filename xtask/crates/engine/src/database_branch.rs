//! A copy of the database for each git branch, which follows the branch that is checked out.

use std::fs;

use anyhow::Context;
use context::{git, project::Project, report, settings::Settings};

use crate::engine::Engine;

/// What git runs after a switch, in every worktree. The binary, and not cargo: a switch must not wait for a compiler.
/// It never fails: the switch is done.
const HOOK: &str = "\
#!/bin/sh
# With DATABASE_BRANCHES=git in .env, the database follows the branch: docs/branches.md.
xtask=${CARGO_TARGET_DIR:-target}/debug/xtask
if [ \"$3\" = 1 ] && [ -d xtask ] && [ -x \"$xtask\" ]; then
    CARGO_MANIFEST_DIR=\"$PWD/xtask\" \"$xtask\" db branch follow
fi
exit 0
";

/// With DATABASE_BRANCHES=git, puts the copy of the branch that is checked out in use, before it is migrated, and has
/// git do so at each switch. Returns what to say of it.
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

/// Has the migration tool do it, and returns what it said.
pub fn switch(
    project: &Project,
    engine: &dyn Engine,
    name: &str,
    apart: bool,
) -> anyhow::Result<String> {
    let (left, parents) = (git::branch_before(project), git::parents(project, name));
    let mut arguments = vec!["branch", "switch", name];
    arguments.extend(left.iter().flat_map(|left| ["--left", left]));
    arguments.extend(parents.iter().flat_map(|parent| ["--parent", parent]));
    Ok(engine.migrate_output(&arguments, apart)?.trim_end().to_owned())
}

fn install_hook(project: &Project) -> anyhow::Result<()> {
    let Some(hooks) = git::hooks(project) else { return Ok(()) };
    let path = hooks.join("post-checkout");
    match fs::read_to_string(&path) {
        Ok(text) if text.contains("db branch follow") => return Ok(()),
        Ok(_) => {
            report::note(&format!(
                "{} is yours: add `target/debug/xtask db branch follow` to it, or the database follows at the next `up` \
                 alone",
                path.display()
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
    report::note("git now has the database follow the branch, by .git/hooks/post-checkout");
    Ok(())
}
