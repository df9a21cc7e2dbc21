//! Parses `.env`. Accepts only lines that Compose and shells read the same way, and rejects all others.

use std::collections::HashMap;

use anyhow::bail;

/// Returns the variables of `text`. The last line of a variable takes effect.
///
/// # Errors
/// A line is invalid. The message contains the line number and the name, but not the value, which may be a password.
pub(crate) fn parse(text: &str) -> anyhow::Result<HashMap<String, String>> {
    let mut variables = HashMap::new();
    for (index, line) in text.split('\n').enumerate() {
        match variable(line) {
            Ok(Some((name, value))) => variables.insert(name.to_owned(), value.to_owned()),
            Ok(None) => None,
            Err((name, reason)) => {
                let name = if name.is_empty() { String::new() } else { format!(": {name}") };
                bail!("line {} of .env is invalid{name}: {reason}", index + 1)
            }
        };
    }
    Ok(variables)
}

type Problem<'a> = (&'a str, &'static str);

/// Returns the name and the value of a line, or `None` for an empty line and a comment.
fn variable(line: &str) -> Result<Option<(&str, &str)>, Problem<'_>> {
    if line.starts_with('\u{feff}') {
        return Err(("", "remove the byte order mark, for example with cargo xtask doctor --fix"));
    }
    if line.contains('\r') {
        return Err((
            "",
            "replace Windows line endings, for example with cargo xtask doctor --fix",
        ));
    }
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let Some((name, value)) = line.split_once('=') else { return Err(("", FORM)) };
    let name = name.trim_end();
    let is_name = |name: &str| {
        !name.starts_with(|letter: char| letter.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if name.is_empty() || !is_name(name) {
        return Err(("", FORM));
    }
    match value_of(value.trim_start()) {
        Ok(value) => Ok(Some((name, value))),
        Err(reason) => Err((name, reason)),
    }
}

const FORM: &str = "expected NAME=value, with quotes around a value with spaces";

/// Returns the value without quotes and without the comment after it.
fn value_of(text: &str) -> Result<&str, &'static str> {
    let Some(quote) = text.chars().next().filter(|first| ['\'', '"'].contains(first)) else {
        return unquoted(text);
    };
    let Some((value, rest)) = text[1..].split_once(quote) else {
        return Err("the closing quote is missing; a value cannot span lines");
    };
    if !rest.is_empty() && !is_comment(rest) {
        return Err("only a comment can follow the closing quote");
    }
    if value.contains('\\') {
        return Err("a value cannot contain a backslash, which programs read in different ways");
    }
    if quote == '"' && value.contains(['$', '`']) {
        return Err("$ and ` need single quotes around the value");
    }
    Ok(value)
}

fn unquoted(text: &str) -> Result<&str, &'static str> {
    if text.starts_with('#') {
        return Err("a value that begins with # needs quotes");
    }
    let (value, rest) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
    if !rest.is_empty() && !is_comment(rest) {
        return Err(FORM);
    }
    if value.contains(['$', '`', '\'', '"', '\\']) {
        return Err(
            "$, `, quotes and backslashes are not possible without quotes around the value; \
             $ needs single quotes",
        );
    }
    Ok(value)
}

/// Returns whether the text after a value is a comment. Compose does not accept a tab before `#`.
fn is_comment(rest: &str) -> bool {
    rest.starts_with(' ') && rest.trim_start_matches(' ').starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_comments_quotes_and_export() {
        for (line, value) in [
            ("A=1", "1"),
            ("A=", ""),
            ("A = 1", "1"),
            ("export A=1", "1"),
            ("A=1 # comment", "1"),
            ("A=a#b", "a#b"),
            ("A=x=y", "x=y"),
            ("A='a $b #c' # comment", "a $b #c"),
            ("A=\"a 'b' #c\"", "a 'b' #c"),
            ("A=0\nA=1", "1"),
        ] {
            let variables = parse(&format!("# comment\n\n{line}\n")).expect(line);
            assert_eq!(variables.get("A").map(String::as_str), Some(value), "{line}");
            assert_eq!(variables.len(), 1, "{line}");
        }
    }

    #[test]
    fn parse_rejects_lines_that_programs_read_in_different_ways() {
        for (line, reason) in [
            ("secret", "expected NAME=value"),
            ("A: secret=1", "expected NAME=value"),
            ("2A=secret", "expected NAME=value"),
            ("A=secret with spaces", "expected NAME=value"),
            ("A=1\t# secret", "expected NAME=value"),
            ("A=secret$b", "$ needs single quotes"),
            ("A=${B:-secret}", "$ needs single quotes"),
            ("A=\"secret$b\"", "need single quotes"),
            ("A=secret\\n", "backslashes"),
            ("A='secret\\n'", "backslash"),
            ("A=secret'x'", "quotes"),
            ("A='secret'x", "only a comment"),
            ("A=\"secret\nB=1\"", "cannot span lines"),
            ("A=#secret", "begins with #"),
            ("A=secret\r", "Windows line endings"),
            ("\u{feff}A=secret", "byte order mark"),
        ] {
            let error = parse(&format!("{line}\n")).expect_err(line).to_string();
            assert!(error.starts_with("line 1") && error.contains(reason), "{line}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let error = parse("A=1\nB=a$b").expect_err("line 2").to_string();
        assert!(error.starts_with("line 2 of .env is invalid: B: "), "{error}");
    }
}
