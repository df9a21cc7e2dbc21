//! Migration files and findings.

use std::fmt;

use serde::Serialize;
use squawk_syntax::{Parse, SourceFile, SyntaxNode, ast::AstNode};

use crate::rules::Advice;

/// A migration file.
#[derive(Debug, Clone)]
pub struct File {
    /// The path to show in findings.
    pub path: String,
    /// The SQL.
    pub text: String,
}

/// A part of a migration that would block or break a running system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file and the line.
    pub place: String,
    /// The name of the rule, for `allow` comments.
    pub rule: &'static str,
    /// A description of the problem.
    pub problem: String,
    /// Instructions for a safe migration.
    pub fix: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, rule, problem, fix } = self;
        write!(f, "{place}: {rule}\n  problem: {problem}\n  fix: {fix}")
    }
}

/// A parsed migration file.
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

    /// Returns a finding with its byte offset.
    pub(crate) fn finding(&self, offset: usize, advice: Advice) -> (usize, Finding) {
        let line = self.file.text[..offset].matches('\n').count() + 1;
        let place = format!("{}:{line}", self.file.path);
        let Advice { rule, problem, fix } = advice;
        (offset, Finding { place, rule, problem: problem.to_owned(), fix })
    }
}
