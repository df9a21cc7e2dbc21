//! Rejects private words and hard constructions in comments, messages, names and documentation.

use regex::{Captures, Regex};

use super::files;

/// The rules. They contain patterns of rejected words with a replacement, and of allowed phrases with a reason.
const RULES: &str = include_str!("words.txt");
/// Paths that are not checked. Licences and applied migrations must not change, and the other files are generated.
const UNCHECKED: &str = "tests/e2e/tidy/prose.rs crates/db/migrations/ LICENSE .ci/tools/ backups/ \
    clients/rust/src/generated.rs clients/ts/schema.ts clients/ts/dist/";
/// The extensions of the files that are checked. The empty extension means files without an extension.
const ENDINGS: &str = " conf example html md py rs sh sql template toml ts yaml yml";
/// The maximum length of a sentence in Markdown.
const WORDS_PER_SENTENCE: usize = 40;

/// Matches comments, string literals, characters and definitions. Strings without spaces are data.
const RUST: &str = r#"(?sx) (?P<comment> //[^\n]*) | \br"[^"]*" | \br\#".*?"\# | "(?:\\.|[^"\\])*"
    | '(?: \\[^\n]{1,8}? | [^\\'\n])'
    | \b(?: fn | struct | enum | trait | mod | type | const | static) \s+ (?P<name> \w+)"#;

/// A text that a person reads: "comment", "paragraph" or "other", its first line, and the text.
type Text = (&'static str, usize, String);

/// Adds `body`, which continues the last text if `continues`.
fn add(texts: &mut Vec<Text>, kind: &'static str, line: usize, body: &str, continues: bool) {
    match texts.last_mut() {
        Some(last) if continues && last.0 == kind => last.2.extend(["\n", body]),
        _ => texts.push((kind, line, body.to_owned())),
    }
}

fn rust(source: &str) -> Vec<Text> {
    let (mut texts, mut line, mut at, mut last) = (Vec::new(), 1, 0, 0);
    let (pattern, camel) = (regex(RUST), regex("([a-z])([A-Z])"));
    for found in pattern.captures_iter(source) {
        line += source[at..found.get_match().start()].matches('\n').count();
        at = found.get_match().start();
        if let Some(comment) = found.name("comment") {
            let body = comment.as_str().trim_start_matches(['/', '!']);
            add(&mut texts, "comment", line, body, last + 1 == line);
            last = line;
        } else if found[0].contains([' ', '\n']) {
            let body = found.name("name").map_or_else(
                || found[0].replace("\\\n", " \n").replace("\\n", "  "),
                |name| camel.replace_all(name.as_str(), "$1 $2").replace('_', " "),
            );
            add(&mut texts, "other", line, &body, false);
        }
    }
    texts
}

fn markdown(source: &str) -> Vec<Text> {
    let (mut texts, mut is_code, mut is_open) = (Vec::new(), false, false);
    let mark = regex(r"^\s*(?:[-*+]|\d+\.|#+|\||>)\s");
    for (number, line) in (1..).zip(source.lines()) {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        let is_text = !is_code && !is_fence && !line.trim().is_empty();
        let is_single = line.trim_start().starts_with(['#', '|']);
        if is_text {
            let kind = if is_single { "other" } else { "paragraph" };
            let continues = is_open && !mark.is_match(line);
            add(&mut texts, kind, number, &mark.replace(line, ""), continues);
        }
        is_open = is_text && !is_single;
    }
    texts
}

/// Returns the comments and lines of any other file.
fn plain(path: &str, source: &str) -> Vec<Text> {
    let mark = match path.rsplit('.').next() {
        Some("sql") => "--",
        Some("ts" | "template") => "//",
        _ => "#",
    };
    let (mut texts, mut last) = (Vec::new(), 0);
    for (number, line) in (1..).zip(source.lines().map(str::trim)) {
        if line.starts_with("\"\"\"") || (line.starts_with(mark) && !line.starts_with("#!")) {
            let body = line.trim_start_matches(['"', '#', '/', '-', '!']);
            add(&mut texts, "comment", number, body, last + 1 == number);
            last = number;
        } else {
            add(&mut texts, "other", number, line, false);
        }
    }
    texts
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

/// Returns a pattern that matches whole words, also across the end of a line.
fn words(pattern: &str) -> Regex {
    regex(&format!(r"(?i)\b(?:{})\b", pattern.replace(' ', r"\s+")))
}

/// Removes matches, but keeps line ends.
fn blank(pattern: &Regex, text: &str) -> String {
    let lines = |it: &Captures<'_>| format!(" CODE{}", it[0].replace(|c: char| c != '\n', ""));
    pattern.replace_all(text, lines).into_owned()
}

struct Checker {
    /// Patterns with a replacement, and prefixes of paths with a pattern.
    rejected: Vec<(Regex, &'static str)>,
    allowed: Vec<(&'static str, Regex)>,
    code: Regex,
    opener: Regex,
    subject: Regex,
    sentence: Regex,
}

impl Checker {
    fn new() -> Self {
        let rules = |kind: &'static str| {
            RULES.lines().filter_map(move |line| line.strip_prefix(kind)?.split_once(" -> "))
        };
        let allowed = rules("allow ").filter_map(|(rule, _)| rule.split_once(' '));
        Self {
            rejected: rules("reject ").map(|(rule, instead)| (words(rule), instead)).collect(),
            allowed: allowed.map(|it| (it.0.trim_start_matches('*'), words(it.1))).collect(),
            code: regex(r"`[^`]*`|\]\([^)]*\)|https?://\S+|\{[^{}]*\}"),
            opener: regex(r"^\s*(What|Whether|Those|Of|By|How|That)\b"),
            subject: regex(r"(?:^|[.!?]\s+)(What|Whether|Those)\b[^.?]*(?:\.|$)"),
            sentence: regex(r"(?s)\S.*?(?:[.!?]\s|$)"),
        }
    }

    /// Returns `path:line: word: replacement` for each problem in a file.
    fn problems(&self, path: &str, source: &str) -> Vec<String> {
        let texts = match path.rsplit('.').next() {
            Some("rs") => rust(source),
            Some("md") => markdown(source),
            _ => plain(path, source),
        };
        let mut problems = Vec::new();
        for (kind, first, body) in texts {
            let allowed = self.allowed.iter().filter(|it| path.starts_with(it.0));
            let body = allowed.fold(blank(&self.code, &body), |body, it| blank(&it.1, &body));
            let mut report = |at: usize, word: &str, instead: &str| {
                let line = first + body[..at].matches('\n').count();
                problems.push(format!("{path}:{line}: {word}: {instead}"));
            };
            for (pattern, instead) in &self.rejected {
                for found in pattern.find_iter(&body) {
                    // A word next to a hyphen, such as in `day-to-day`, is part of a name and is not checked.
                    if !body[..found.start()].ends_with('-')
                        && !body[found.end()..].starts_with('-')
                    {
                        report(found.start(), found.as_str(), instead);
                    }
                }
            }
            if let Some(word) = self.opener.captures(&body).filter(|_| kind == "comment") {
                report(0, &word[1], "(open with a verb or a noun)");
            } else if kind != "other" {
                for found in self.subject.captures_iter(&body) {
                    report(found.get_match().start(), &found[1], "(name the subject)");
                }
            }
            for sentence in self.sentence.find_iter(&body).filter(|_| kind == "paragraph") {
                let count = sentence.as_str().split_whitespace().count();
                if count > WORDS_PER_SENTENCE {
                    report(sentence.start(), &format!("{count} words"), "(split the sentence)");
                }
            }
        }
        problems
    }
}

#[test]
fn text_uses_standard_words_and_short_sentences() {
    let (checker, mut problems) = (Checker::new(), Vec::new());
    for (path, source) in files("", &ENDINGS.split(' ').collect::<Vec<_>>()) {
        if !UNCHECKED.split_whitespace().any(|it| path.starts_with(it)) {
            problems.extend(checker.problems(&path, &source));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn rejected_words_are_found_in_text_but_not_in_code() {
    let checker = Checker::new();
    let problems = |path: &str, source: &str| checker.problems(path, source).join("; ");
    let accepted = "/// Returns `beside`.\nfn f() { hence(\"anew\", 'a'); } // there is no row";
    assert_eq!(problems("a.rs", accepted), "");
    assert_eq!(problems("a.rs", "fn f()\n// One\n// is no name."), "a.rs:3: is no: is not a");
    assert!(problems("a.rs", "/// What it holds.").starts_with("a.rs:1: What: "));
    assert!(problems("a.rs", "f(r#\"go anew\"#); // 1").contains("a.rs:1: anew: "));
    assert!(problems("a.rs", "enum TheGate {}").contains("a.rs:1: Gate: CI"));
    assert!(problems("a.md", "Why? What is it.\n\n```\nanew\n```").contains("a.md:1: What: "));
    assert!(problems("a.md", &"word ".repeat(41)).contains("a.md:1: 41 words: "));
    assert!(problems("run", "true\n# Runs\n# all of it anew").contains("run:3: anew: "));
}
