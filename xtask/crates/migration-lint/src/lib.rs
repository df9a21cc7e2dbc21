//! Finds migrations that would block or break a running system. The parser and most rules are from squawk.

mod allowed;
mod file;
mod names;
mod references;
mod rules;

use std::collections::HashSet;

use squawk_linter::{Linter, LinterSettings, Rule};
use squawk_syntax::{
    Parse, SourceFile, SyntaxKind, SyntaxNode,
    ast::{self, AstNode},
};

pub use file::{File, Finding};

use allowed::Allowed;
use file::Parsed;
use names::{last_name, plain, table};
use rules::RULES;

/// A function that returns the places where the released version uses a name.
pub type Readers<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// Returns the findings for the `pending` migrations, which are applied after `released`.
///
/// `readers` is `None` if the released version is unknown. Tables that a pending migration creates may be changed
/// freely, because they are empty and the released version does not use them.
pub fn lint(released: &[File], pending: &[File], readers: Option<&Readers>) -> Vec<Finding> {
    let before: Vec<_> = released.iter().map(Parsed::new).collect();
    let files: Vec<_> = pending.iter().map(Parsed::new).collect();
    let new: HashSet<_> = files.iter().flat_map(|file| created(&file.parse)).collect();
    let indexed = references::indexed(before.iter().chain(&files));
    let mut findings = Vec::new();
    for file in &files {
        let mut found = squawk(file, &new, readers);
        found.extend(references::without_index(file, &indexed));
        found.extend(outside_a_transaction(file));
        let syntax = |error: &squawk_syntax::syntax_error::SyntaxError| {
            file.finding(error.range().start().into(), rules::SYNTAX)
        };
        found.extend(file.parse.errors().iter().map(syntax));
        found.sort_by_key(|(offset, _)| *offset);
        let mut allowed = Allowed::read(file);
        found.retain(|(offset, finding)| !allowed.allows(*offset, finding.rule));
        findings.extend(found.into_iter().map(|(_, finding)| finding));
        findings.extend(allowed.mistakes(file));
    }
    findings
}

fn squawk(
    file: &Parsed,
    new: &HashSet<String>,
    readers: Option<&Readers>,
) -> Vec<(usize, Finding)> {
    let mut linter = Linter::from(RULES.map(|(rule, _)| rule));
    linter.settings = LinterSettings {
        assume_in_transaction: !migration_files::is_without_transaction(&file.file.text),
        ..LinterSettings::default()
    };
    let statements = file.statements();
    let mut found = Vec::new();
    for violation in linter.lint(&file.parse, &file.file.text) {
        let Some((_, advice)) = RULES.iter().find(|(rule, _)| *rule == violation.code) else {
            continue;
        };
        let range = violation.text_range;
        let around = statements.iter().find(|node| node.text_range().contains_range(range));
        if around.and_then(table).is_some_and(|table| new.contains(&table)) {
            continue;
        }
        let offset: usize = range.start().into();
        let mut finding = file.finding(offset, *advice);
        if rules::is_about_readers(violation.code)
            && let Some(readers) = readers
        {
            let names = around.map(|node| subjects(node, violation.code)).unwrap_or_default();
            let places: Vec<_> = names.iter().flat_map(|name| readers(name)).collect();
            if places.is_empty() {
                continue;
            }
            finding.1.problem = format!("{}: {}", finding.1.problem, places.join(", "));
        }
        found.push(finding);
    }
    found
}

fn is_concurrent(statement: &SyntaxNode) -> bool {
    let mut parts = statement.descendants_with_tokens();
    parts.any(|part| part.kind() == SyntaxKind::CONCURRENTLY_KW)
}

/// Checks that `CONCURRENTLY` runs without a transaction, and that a file without a transaction has only one statement,
/// which can be repeated.
fn outside_a_transaction(file: &Parsed) -> Option<(usize, Finding)> {
    let statements = file.statements();
    if !migration_files::is_without_transaction(&file.file.text) {
        let concurrent = statements.into_iter().find(is_concurrent)?;
        return Some(file.finding(concurrent.text_range().start().into(), rules::IN_TRANSACTION));
    }
    let words = statements.first().map(|node| node.text().to_string().to_lowercase());
    let words = words.unwrap_or_default();
    let is_repeatable = words.contains("if exists")
        || words.contains("if not exists")
        || !(words.starts_with("create") || words.starts_with("drop"));
    if statements.len() == 1 && is_repeatable {
        return None;
    }
    let offset = statements.last().map_or(0, |node| node.text_range().start().into());
    Some(file.finding(offset, rules::NO_TRANSACTION))
}

/// Returns the tables that a file creates.
fn created(parse: &Parse<SourceFile>) -> Vec<String> {
    let tables = parse.tree().stmts().filter_map(|statement| match statement {
        ast::Stmt::CreateTable(create) => create.path().as_ref().and_then(last_name),
        _ => None,
    });
    tables.collect()
}

/// Returns the names that a statement drops or renames.
fn subjects(statement: &SyntaxNode, rule: Rule) -> Vec<String> {
    let first_name = |node: SyntaxNode| node.descendants().find_map(ast::NameRef::cast);
    let of = |is: fn(&SyntaxNode) -> bool| {
        let nodes = statement.descendants().filter(is).filter_map(first_name);
        nodes.map(|name| plain(&name.text())).collect()
    };
    match rule {
        Rule::BanDropColumn => of(|node| ast::DropColumn::can_cast(node.kind())),
        Rule::RenamingColumn => of(|node| ast::RenameColumn::can_cast(node.kind())),
        Rule::BanDropTable => of(|node| ast::DropTable::can_cast(node.kind())),
        _ => table(statement).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
