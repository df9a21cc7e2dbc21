//! The paths that a source file imports or mentions.

use std::collections::{BTreeMap, BTreeSet};

/// The path of a module from the crate root. The root has an empty path.
pub(super) type Module = Vec<String>;

/// The paths in a file, from the root of this crate or of another crate.
#[derive(Default)]
pub(super) struct File {
    /// The names that `use` imports, with their paths.
    pub(super) names: BTreeMap<String, Vec<String>>,
    pub(super) paths: BTreeSet<Vec<String>>,
}

/// Reads the paths of a file, token by token.
pub(super) struct Reader<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    /// The current module, and the brace depth of each inline module.
    module: Module,
    inline: Vec<usize>,
    braces: usize,
    file: File,
}

impl<'a> Reader<'a> {
    pub(super) fn new(module: &Module, text: &'a str) -> Self {
        let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
        Self {
            tokens: tokens(text),
            at: 0,
            module: module.clone(),
            inline: Vec::new(),
            braces: 0,
            file: File::default(),
        }
    }

    pub(super) fn read(mut self) -> File {
        while let Some(&token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                "use" => self.tree(&[]),
                "mod" if self.tokens.get(self.at + 1) == Some(&"{") => {
                    self.module.push(self.tokens[self.at].to_owned());
                    self.inline.push(self.braces);
                }
                "{" => self.braces += 1,
                "}" => {
                    self.braces = self.braces.saturating_sub(1);
                    if self.inline.pop_if(|depth| *depth == self.braces).is_some() {
                        self.module.pop();
                    }
                }
                "crate" | "super" if self.tokens.get(self.at) == Some(&"::") => {
                    self.at -= 1;
                    let path = self.path();
                    // Macros are skipped, because exported macros are always in the crate root.
                    if self.tokens.get(self.at) != Some(&"!") {
                        let path = self.absolute(&path);
                        self.file.paths.insert(path);
                    }
                }
                _ => {}
            }
        }
        self.file
    }

    /// Reads `a::b`, and stops before a `::` that is not followed by a name.
    fn path(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(name) = self.tokens.get(self.at).filter(|token| is_name(token)) {
            path.push((*name).to_owned());
            self.at += 1;
            let more = self.tokens.get(self.at + 1).is_some_and(|token| is_name(token));
            if self.tokens.get(self.at) != Some(&"::") || !more {
                break;
            }
            self.at += 1;
        }
        path
    }

    /// Reads the tree of a `use` declaration.
    fn tree(&mut self, prefix: &[String]) {
        let path = [prefix, &self.path()].concat();
        match self.tokens.get(self.at..) {
            Some(["::", "{", ..]) => {
                self.at += 2;
                while self.tokens.get(self.at).is_some_and(|token| *token != "}") {
                    self.tree(&path);
                    if self.tokens.get(self.at) == Some(&",") {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            Some(["{", ..]) if prefix.is_empty() => {
                self.tokens[self.at] = "::";
                self.tokens.insert(self.at + 1, "{");
                self.tree(prefix);
            }
            Some(["::", "*", ..]) => {
                self.at += 2;
                let path = self.absolute(&path);
                self.file.paths.insert(path);
            }
            Some(["as", name, ..]) => {
                self.at += 2;
                self.bind(name, &path);
            }
            _ => {
                let path = match path.split_last() {
                    Some((last, rest)) if last == "self" => rest.to_vec(),
                    _ => path,
                };
                if let Some(name) = path.last().cloned() {
                    self.bind(&name, &path);
                } else {
                    self.at += 1;
                }
            }
        }
    }

    /// Records an import. An import in an inline module is recorded as a path.
    fn bind(&mut self, name: &str, path: &[String]) {
        let path = self.absolute(path);
        if self.inline.is_empty() && self.braces == 0 && name != "_" {
            self.file.names.insert(name.to_owned(), path);
        } else {
            self.file.paths.insert(path);
        }
    }

    /// Returns a path that starts with `crate` or the name of another crate.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let ups = path.iter().take_while(|name| *name == "super").count();
        let ups_and_self = ups + usize::from(path.first().is_some_and(|name| name == "self"));
        if ups_and_self == 0 {
            // The path is unknown. It may be a submodule, whose imports are always allowed.
            return path.to_vec();
        }
        let here = &self.module[..self.module.len().saturating_sub(ups)];
        [&["crate".to_owned()], here, &path[ups_and_self..]].concat()
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') && token != "as"
}

/// Splits source into names, `::` and single characters. Skips comments and literals.
fn tokens(text: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if rest.starts_with("::") { 2 } else { name.max(first.len_utf8()) };
            if !first.is_whitespace() {
                tokens.push(&rest[..length]);
            }
            length
        };
        rest = &rest[length..];
    }
    tokens
}

/// Returns the length of the string or character literal at the start of `text`.
fn literal(text: &str) -> Option<usize> {
    let raw = text.strip_prefix('b').unwrap_or(text);
    if let Some(raw) = raw.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(text.len() - body.len() + body.find(&end)? + end.len());
    }
    let quote = raw.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut escaped = false;
    for (at, c) in raw.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(text.len() - raw.len() + at + 1),
            // The quote begins a lifetime such as `'a`.
            _ if quote == '\'' && at > 1 && !raw[1..].starts_with('\\') => return None,
            _ => {}
        }
    }
    None
}
