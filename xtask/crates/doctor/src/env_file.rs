//! Checks that `.env` exists, is readable and private, and sets each variable once.

use std::{collections::HashSet, fs, path::Path};

use anyhow::Context;

use context::{env_file, git, process, settings};

use crate::{check_context::CheckContext, diagnostic::Diagnostic};

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let path = env_file::path(&context.deadline.root);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return vec![missing()],
        Err(error) => {
            let what = format!(".env cannot be read: {error}");
            let remedy = "run `ls -ld .env` to check its type and permissions";
            return vec![Diagnostic::error("env-encoding", what, remedy)];
        }
    };
    let mut diagnostics: Vec<_> =
        [readable_by_others(&path), in_git(context)].into_iter().flatten().collect();
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.starts_with('\u{feff}') => {
            let found = [line_endings(text), malformed(&path, text), repeated(text)];
            diagnostics.extend(found.into_iter().flatten());
        }
        _ => diagnostics.push(encoding(&bytes)),
    }
    diagnostics
}

/// Returns the variables that `text` sets, with their line numbers counted from 0.
pub(crate) fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(number, line)| {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        let (name, _) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        Some((number, name.trim()))
    })
}

/// Replaces the content of `.env` with the result of `change`. The mode and the owner stay.
pub(crate) fn rewrite(root: &Path, change: impl FnOnce(&str) -> String) -> anyhow::Result<()> {
    let path = env_file::path(root);
    let text = fs::read_to_string(&path).context("cannot read .env")?;
    fs::write(&path, change(&text)).context("cannot write .env")
}

fn missing() -> Diagnostic {
    let what = "found no .env, so the defaults apply, including a public password";
    let remedy = "run cargo xtask up to create .env";
    Diagnostic::warning("env-missing", what, remedy).with_fix(|project| {
        env_file::create_if_missing(&project.root)?;
        Ok("created .env from .env.example with a random password".to_owned())
    })
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> Option<Diagnostic> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    if mode.trailing_zeros() >= 6 {
        return None;
    }
    let what = format!("other users of this machine can read .env (mode {:o})", mode & 0o777);
    Some(Diagnostic::warning("env-mode", what, "chmod 600 .env").with_fix(|project| {
        fs::set_permissions(env_file::path(&project.root), PermissionsExt::from_mode(0o600))?;
        Ok("allowed only the owner to read .env".to_owned())
    }))
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<Diagnostic> {
    None
}

fn in_git(context: &CheckContext) -> Option<Diagnostic> {
    // The check is skipped outside a git repository.
    context.deadline.root.ancestors().find(|folder| folder.join(".git").exists())?;
    context
        .deadline
        .output(git::command(&context.deadline.root).args(["ls-files", "--error-unmatch", ".env"]))
        .ok()?;
    let what = "git tracks .env with its passwords; change the passwords if you have pushed .env";
    Some(Diagnostic::error("env-in-git", what, "git rm --cached .env").with_fix(|project| {
        let remove = ["rm", "--quiet", "--cached", ".env"];
        process::run(git::command(&project.root).args(remove))?;
        Ok("removed .env from the next commit; the file itself was kept".to_owned())
    }))
}

/// Reports an encoding that some editors and shells of Windows write.
fn encoding(bytes: &[u8]) -> Diagnostic {
    let what = ".env must be plain UTF-8, but has a byte order mark or is UTF-16";
    let remedy = "save .env as UTF-8 without a byte order mark";
    let diagnostic = Diagnostic::error("env-encoding", what, remedy);
    let Some(text) = decode(bytes) else { return diagnostic };
    diagnostic.with_fix(move |project| {
        fs::write(env_file::path(&project.root), text)?;
        Ok("converted .env to plain UTF-8".to_owned())
    })
}

fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => None,
    }
}

fn line_endings(text: &str) -> Option<Diagnostic> {
    if !text.contains('\r') {
        return None;
    }
    let what = ".env has Windows line endings, which become part of the values in containers";
    Some(Diagnostic::error("env-crlf", what, "sed -i 's/\\r$//' .env").with_fix(|project| {
        rewrite(&project.root, |text| text.replace("\r\n", "\n"))?;
        Ok("converted .env to Unix line endings".to_owned())
    }))
}

fn malformed(path: &Path, text: &str) -> Option<Diagnostic> {
    // Stops if there are Windows line endings, because another check reports them.
    if text.contains('\r') {
        return None;
    }
    let error = settings::read(path).err()?;
    Some(Diagnostic::error("env-malformed", format!("{error:#}"), "correct that line in .env"))
}

/// Finds variables that are set more than once.
fn repeated(text: &str) -> Option<Diagnostic> {
    let mut seen = HashSet::new();
    let names: Vec<_> = names(text).collect();
    // Searches from the end, because the last line of a variable overrides the earlier lines.
    let unused: Vec<_> = names.iter().rev().filter(|(_, name)| !seen.insert(*name)).collect();
    let (_, name) = unused.last()?;
    let what = format!("{name} is set more than once in .env, but only the last line takes effect");
    let numbers: HashSet<_> = unused.iter().map(|(number, _)| *number).collect();
    let diagnostic = Diagnostic::warning("env-repeated", what, "remove the other lines");
    Some(diagnostic.with_fix(move |project| {
        rewrite(&project.root, |text| {
            let lines = text.lines().enumerate().map(|(number, line)| {
                let prefix = if numbers.contains(&number) { "# " } else { "" };
                format!("{prefix}{line}\n")
            });
            lines.collect()
        })?;
        Ok("commented out the lines of .env that had no effect".to_owned())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_returns_only_variables_that_are_set() {
        let text = "# A=1\nB = 2\nexport C=3\nnonsense\n";
        assert_eq!(names(text).collect::<Vec<_>>(), [(1, "B"), (2, "C")]);
    }

    #[test]
    fn decode_reads_byte_order_marks_and_utf16() {
        let files = [&b"\xef\xbb\xbfA=1"[..], b"\xff\xfeA\0=\x001\0", b"\xfe\xff\0A\0=\x001"];
        for bytes in files {
            assert_eq!(decode(bytes).as_deref(), Some("A=1"), "{bytes:?}");
        }
        assert_eq!(decode(b"A=\xff"), None);
    }
}
