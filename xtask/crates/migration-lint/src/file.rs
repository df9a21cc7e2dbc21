//! A migration file, its statements, and what is found in it.

use std::fmt;

use squawk_syntax::{Parse, SourceFile, SyntaxNode, ast::AstNode};

use crate::rules::Advice;

/// A migration to be looked at, or one before it.
#[derive(Debug, Clone)]
pub struct File {
    /// For people.
    pub path: String,
    /// Its statements.
    pub text: String,
}

/// What a migration would hold up or break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file and the line.
    pub place: String,
    /// What a comment allows it with.
    pub rule: &'static str,
    /// What it would hold up or break, and who.
    pub blocks: String,
    /// How to do it instead.
    pub safe_way: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, rule, blocks, safe_way } = self;
        write!(f, "{place}: {rule}\n  blocks or breaks: {blocks}\n  the safe way: {safe_way}")
    }
}

/// A file with its statements.
pub(crate) struct Parsed<'a> {
    pub(crate) file: &'a File,
    pub(crate) parse: Parse<SourceFile>,
}

impl<'a> Parsed<'a> {
    pub(crate) fn new(file: &'a File) -> Self {
        Self { file, parse: SourceFile::parse(&file.text) }
    }

    pub(crate) fn statements(&self) -> Vec<SyntaxNode> {
        self.parse.tree().stmts().map(|statement| statement.syntax().clone()).collect()
    }

    pub(crate) fn finding(&self, offset: usize, advice: Advice) -> (usize, Finding) {
        let line = self.file.text[..offset].matches('\n').count() + 1;
        let place = format!("{}:{line}", self.file.path);
        let Advice { rule, blocks, safe_way } = advice;
        (offset, Finding { place, rule, blocks: blocks.to_owned(), safe_way })
    }
}
