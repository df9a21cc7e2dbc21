//! Checks of `.env` as a file: there, readable, private, one line a variable.

use std::{collections::HashSet, fs, path::Path, process::Command};

use anyhow::Context;

use context::{env_file, process, settings};

use crate::{check_context::CheckContext, diagnostic::Diagnostic};

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let path = env_file::path(&context.deadline.root);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return vec![missing()],
        Err(error) => {
            let what = format!(".env cannot be read: {error}");
            return vec![Diagnostic::error("env-encoding", what, "ls -ld .env shows what it is")];
        }
    };
    let mut diagnostics: Vec<_> =
        [readable_by_others(&path), in_git(context)].into_iter().flatten().collect();
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.starts_with('\u{feff}') => {
            let of_lines = [line_ends(text), malformed(&path), repeated(text)];
            diagnostics.extend(of_lines.into_iter().flatten());
        }
        _ => diagnostics.push(encoding(&bytes)),
    }
    diagnostics
}

/// The names of the variables that a text sets, line by line.
pub(crate) fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(number, line)| {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        let (name, _) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        Some((number, name.trim()))
    })
}

/// Has `change` make another text of `.env`, which keeps its mode and its owner.
pub(crate) fn rewrite(root: &Path, change: impl FnOnce(&str) -> String) -> anyhow::Result<()> {
    let path = env_file::path(root);
    let text = fs::read_to_string(&path).context("cannot read .env")?;
    fs::write(&path, change(&text)).context("cannot write .env")
}

fn missing() -> Diagnostic {
    let what = "there is no .env: the defaults are used, with a password that everybody knows";
    Diagnostic::warning("env-missing", what, "cargo xtask up makes it").with_fix(|project| {
        env_file::create_if_missing(&project.root)?;
        Ok("made .env from .env.example, with a random password".to_owned())
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
        Ok("only its owner can read .env now".to_owned())
    }))
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<Diagnostic> {
    None
}

fn in_git(context: &CheckContext) -> Option<Diagnostic> {
    // Without a repository there is nothing to ask, and no program to start.
    context.deadline.root.ancestors().find(|folder| folder.join(".git").exists())?;
    context
        .deadline
        .output(Command::new("git").args(["ls-files", "--error-unmatch", ".env"]))
        .ok()?;
    let what = "git has .env, and with it the password; change that if it was pushed already";
    Some(Diagnostic::error("env-in-git", what, "git rm --cached .env").with_fix(|project| {
        let mut remove = Command::new("git");
        remove.args(["rm", "--quiet", "--cached", ".env"]).current_dir(&project.root);
        process::run(&mut remove)?;
        Ok(".env is out of git with the next commit, and stays here".to_owned())
    }))
}

/// As some editors and shells of Windows write it.
fn encoding(bytes: &[u8]) -> Diagnostic {
    let what = ".env is not plain UTF-8 (a byte order mark, or UTF-16)";
    let diagnostic = Diagnostic::error("env-encoding", what, "save it as UTF-8 in an editor");
    let Some(text) = decode(bytes) else { return diagnostic };
    diagnostic.with_fix(move |project| {
        fs::write(env_file::path(&project.root), text)?;
        Ok(".env is plain UTF-8 now".to_owned())
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

fn line_ends(text: &str) -> Option<Diagnostic> {
    if !text.contains('\r') {
        return None;
    }
    let what = ".env has line ends of Windows, which become part of the values in containers";
    Some(Diagnostic::error("env-crlf", what, "sed -i 's/\\r$//' .env").with_fix(|project| {
        rewrite(&project.root, |text| text.replace("\r\n", "\n"))?;
        Ok(".env has line ends of Unix now".to_owned())
    }))
}

fn malformed(path: &Path) -> Option<Diagnostic> {
    let error = settings::read(path).err()?;
    Some(Diagnostic::error("env-malformed", format!("{error:#}"), "correct that line in .env"))
}

/// The last line of a name counts, which whoever changes the first one learns late.
fn repeated(text: &str) -> Option<Diagnostic> {
    let mut seen = HashSet::new();
    // From the end: the first seen is the one that counts.
    let names: Vec<_> = names(text).collect();
    let idle: Vec<_> = names.iter().rev().filter(|(_, name)| !seen.insert(*name)).collect();
    let (_, name) = idle.last()?;
    let what = format!("{name} is set more than once in .env, and the last line counts");
    let numbers: HashSet<_> = idle.iter().map(|(number, _)| *number).collect();
    let diagnostic = Diagnostic::warning("env-repeated", what, "remove the others");
    Some(diagnostic.with_fix(move |project| {
        rewrite(&project.root, |text| {
            let lines = text.lines().enumerate().map(|(number, line)| {
                let mark = if numbers.contains(&number) { "# " } else { "" };
                format!("{mark}{line}\n")
            });
            lines.collect()
        })?;
        Ok("the lines of .env that did not count are comments now".to_owned())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_set() {
        let text = "# A=1\nB = 2\nexport C=3\nnonsense\n";
        assert_eq!(names(text).collect::<Vec<_>>(), [(1, "B"), (2, "C")]);
    }

    #[test]
    fn what_windows_writes_is_decoded() {
        let written = [&b"\xef\xbb\xbfA=1"[..], b"\xff\xfeA\0=\x001\0", b"\xfe\xff\0A\0=\x001"];
        for bytes in written {
            assert_eq!(decode(bytes).as_deref(), Some("A=1"), "{bytes:?}");
        }
        assert_eq!(decode(b"A=\xff"), None);
    }
}
