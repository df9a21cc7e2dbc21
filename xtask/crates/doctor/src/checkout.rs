//! Checks the files of the checkout: owners, line endings, permissions and migration numbers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, some_of},
    schema,
};

/// The folders without source files.
const SKIPPED: [&str; 4] = [".git", ".slipway", "node_modules", "target"];

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let mut files = Vec::new();
    collect(&context.deadline.root, &mut files);
    let mut diagnostics: Vec<_> = [line_endings(&context.deadline.root, &files), state(context)]
        .into_iter()
        .flatten()
        .collect();
    #[cfg(unix)]
    diagnostics.extend(unix::check(context, &files));
    diagnostics.extend(schema::numbers(&context.deadline.root));
    diagnostics
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        files.push(entry.path());
        // Symbolic links are not followed, because they may point outside the checkout.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), files);
        }
    }
}

fn relative(root: &Path, files: &[&PathBuf]) -> Vec<String> {
    let short = |file: &&PathBuf| file.strip_prefix(root).unwrap_or(file).display().to_string();
    files.iter().map(short).collect()
}

/// Returns whether a file without extension, or with the extension `sh`, starts with `#!`.
fn is_script(path: &Path) -> bool {
    let may_be_script = path.extension().is_none_or(|extension| extension == "sh");
    may_be_script && path.is_file() && fs::read(path).is_ok_and(|text| text.starts_with(b"#!"))
}

/// Finds Windows line endings, which break shell scripts and change the checksums of migrations.
fn line_endings(root: &Path, files: &[PathBuf]) -> Option<Diagnostic> {
    let is_checked = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "sql") || is_script(path)
    };
    let is_broken = |path: &&PathBuf| {
        is_checked(path)
            && fs::read(path).is_ok_and(|text| text.windows(2).any(|two| two == b"\r\n"))
    };
    let broken: Vec<_> = files.iter().filter(is_broken).collect();
    let names = relative(root, &broken);
    if names.is_empty() {
        return None;
    }
    let what = format!("Windows line endings in {}", some_of(&names));
    let remedy = "run `git config core.autocrlf input` and check out these files again";
    let broken: Vec<_> = broken.into_iter().cloned().collect();
    Some(Diagnostic::error("crlf", what, remedy).with_fix(move |_| {
        for path in broken {
            let text = String::from_utf8(fs::read(&path)?)?.replace("\r\n", "\n");
            fs::write(&path, text)?;
        }
        Ok(format!("converted {} to Unix line endings", some_of(&names)))
    }))
}

/// Finds a state file of `up` that is truncated or that a newer version wrote.
fn state(context: &CheckContext) -> Option<Diagnostic> {
    let path = context.deadline.root.join(".slipway/state.json");
    if context.state.is_some() || !path.exists() {
        return None;
    }
    let what = ".slipway/state.json cannot be read, so no command can find the running stack";
    let remedy = "rm .slipway/state.json && cargo xtask up";
    Some(Diagnostic::error("state", what, remedy).with_fix(move |_| {
        fs::rename(&path, path.with_extension("json.broken"))?;
        Ok("renamed .slipway/state.json to state.json.broken; run cargo xtask up to write a new one"
            .to_owned())
    }))
}

#[cfg(unix)]
mod unix {
    //! Checks of file owners and permissions.

    use std::{
        fs::{self, Metadata},
        os::unix::fs::{MetadataExt, PermissionsExt, lchown},
        path::PathBuf,
    };

    use context::engine_kind::EngineKind;

    use super::{CheckContext, Diagnostic, is_script, relative, some_of};
    use crate::check_context::Need;

    /// The user id of the containers.
    const CONTAINER_UID: u32 = 1000;
    /// The files and folders that the containers mount and compile.
    const COMPILED: [&str; 7] =
        [".cargo", "Cargo.lock", "Cargo.toml", "crates", "docker", "tests", "xtask"];

    pub(crate) fn check(context: &CheckContext, files: &[PathBuf]) -> Vec<Diagnostic> {
        let files: Vec<_> = files
            .iter()
            .filter_map(|path| Some((path, fs::symlink_metadata(path).ok()?)))
            .collect();
        let Ok(root) = fs::metadata(&context.deadline.root) else { return Vec::new() };
        [owners(context, &root, &files), modes(context, &files), readable(context, &root, &files)]
            .into_iter()
            .flatten()
            .collect()
    }

    type File<'a> = (&'a PathBuf, Metadata);

    /// Finds files of other users, which a container or a command run as root can create.
    fn owners(context: &CheckContext, root: &Metadata, files: &[File<'_>]) -> Option<Diagnostic> {
        let (user, group) = (root.uid(), root.gid());
        let foreign: Vec<_> =
            files.iter().filter(|(_, file)| file.uid() != user).map(|(path, _)| *path).collect();
        let names = relative(&context.deadline.root, &foreign);
        if names.is_empty() {
            return None;
        }
        let what = format!("the owner of the checkout does not own {}", some_of(&names));
        let remedy = format!("sudo chown -R {user}:{group} .");
        let diagnostic = Diagnostic::error("owner", what, remedy);
        // Only root can change the owner of files. /proc/self belongs to the user of this process.
        if fs::metadata("/proc/self").map_or(true, |own| own.uid() != 0) {
            return Some(diagnostic);
        }
        let foreign: Vec<_> = foreign.into_iter().cloned().collect();
        Some(diagnostic.with_fix(move |_| {
            for path in foreign {
                lchown(path, Some(user), Some(group))?;
            }
            Ok(format!("changed the owner of {} to the owner of the checkout", some_of(&names)))
        }))
    }

    /// Finds scripts without execute permission, for example after unpacking a ZIP file.
    fn modes(context: &CheckContext, files: &[File<'_>]) -> Option<Diagnostic> {
        let is_blocked = |(path, file): &&File<'_>| {
            file.is_file()
                && file.mode() & 0o100 == 0
                && path.extension().is_none()
                && is_script(path)
        };
        let blocked: Vec<_> = files.iter().filter(is_blocked).map(|(path, _)| *path).collect();
        let names = relative(&context.deadline.root, &blocked);
        if names.is_empty() {
            return None;
        }
        let what = format!("no execute permission for {}", some_of(&names));
        let remedy = format!("chmod +x {}", names.join(" "));
        let blocked: Vec<_> = blocked.into_iter().cloned().collect();
        Some(Diagnostic::error("script-mode", what, remedy).with_fix(move |_| {
            for path in blocked {
                let mode = fs::metadata(&path)?.mode();
                fs::set_permissions(&path, PermissionsExt::from_mode(mode | 0o111))?;
            }
            Ok(format!("made {} executable", some_of(&names)))
        }))
    }

    /// Finds source files that the user of the containers cannot read.
    fn readable(context: &CheckContext, root: &Metadata, files: &[File<'_>]) -> Option<Diagnostic> {
        if context.need(EngineKind::Docker) != Need::Required {
            return None;
        }
        let is_closed = |file: &Metadata| {
            let needed = if file.is_dir() { 0o005 } else { 0o004 };
            file.uid() != CONTAINER_UID && !file.is_symlink() && file.mode() & needed != needed
        };
        let is_compiled = |path: &PathBuf| {
            COMPILED.iter().any(|compiled| path.starts_with(context.deadline.root.join(compiled)))
        };
        let mut closed: Vec<_> = files
            .iter()
            .filter(|(path, file)| is_compiled(path) && is_closed(file))
            .map(|(path, _)| (*path).clone())
            .collect();
        if is_closed(root) {
            closed.insert(0, context.deadline.root.clone());
        }
        if closed.is_empty() {
            return None;
        }
        let names = relative(&context.deadline.root, &closed.iter().collect::<Vec<_>>());
        let names: Vec<_> =
            names.into_iter().map(|it| if it.is_empty() { ".".to_owned() } else { it }).collect();
        let what = format!(
            "the containers run as user {CONTAINER_UID}, which cannot read {}",
            some_of(&names)
        );
        let remedy = "chmod go+rx . && chmod -R go+rX .cargo Cargo.* crates docker tests xtask";
        Some(Diagnostic::error("unreadable-source", what, remedy).with_fix(move |_| {
            for path in closed {
                let file = fs::metadata(&path)?;
                let more = if file.is_dir() { 0o055 } else { 0o044 };
                fs::set_permissions(&path, PermissionsExt::from_mode(file.mode() | more))?;
            }
            Ok(format!("made {} readable for the containers", some_of(&names)))
        }))
    }
}
