//! Finds foreign keys without an index. squawk does not have a rule for this.

use std::collections::HashSet;

use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use crate::{
    file::{Finding, Parsed},
    names::{plain, table},
    rules,
};

/// A table and some of its columns, in the order of an index or a foreign key.
type Columns = (String, Vec<String>);

/// Returns the columns of every index, including primary keys and unique constraints.
pub(crate) fn indexed<'a>(files: impl Iterator<Item = &'a Parsed<'a>>) -> HashSet<Columns> {
    let mut indexed = HashSet::new();
    for statement in files.flat_map(Parsed::statements) {
        let Some(table) = table(&statement) else { continue };
        let keys = statement.descendants().filter(|node| {
            let kind = node.kind();
            ast::PrimaryKeyConstraint::can_cast(kind) || ast::UniqueConstraint::can_cast(kind)
        });
        indexed.extend(keys.map(|key| (table.clone(), columns(&key))));
        if let Some(index) = ast::CreateIndex::cast(statement)
            && index.where_clause().is_none()
            && let Some(items) = index.partition_item_list()
        {
            let items = items.partition_items().map(|item| {
                let first = item.syntax().text().to_string();
                plain(&first.split_whitespace().next().unwrap_or_default().to_owned())
            });
            indexed.insert((table, items.collect()));
        }
    }
    indexed
}

/// Returns the foreign keys of `file` whose columns are not the first columns of an index.
pub(crate) fn without_index(file: &Parsed, indexed: &HashSet<Columns>) -> Vec<(usize, Finding)> {
    let mut found = Vec::new();
    for statement in file.statements() {
        let Some(table) = table(&statement) else { continue };
        for reference in statement.descendants().filter(is_reference) {
            let wanted = columns(&reference);
            let serves = |(of, columns): &Columns| {
                let begins = columns.get(..wanted.len()).unwrap_or_default();
                *of == table && !begins.is_empty() && wanted.iter().all(|it| begins.contains(it))
            };
            if !indexed.iter().any(serves) {
                let offset = reference.text_range().start().into();
                let mut finding = file.finding(offset, rules::REFERENCE);
                let names = wanted.join(", ");
                finding.1.problem = format!("{} ({table}.{names})", finding.1.problem);
                found.push(finding);
            }
        }
    }
    found
}

fn is_reference(node: &SyntaxNode) -> bool {
    let kind = node.kind();
    ast::ReferencesConstraint::can_cast(kind) || ast::ForeignKeyConstraint::can_cast(kind)
}

/// Returns the columns that a constraint lists, or the column that contains the constraint.
fn columns(constraint: &SyntaxNode) -> Vec<String> {
    if let Some(list) = constraint.children().find_map(ast::ColumnList::cast) {
        let columns = list.columns().map(|column| plain(&column.syntax().text().to_string()));
        return columns.collect();
    }
    let at = constraint.ancestors().find_map(|node| {
        ast::Column::cast(node.clone())
            .and_then(|column| column.name())
            .or_else(|| ast::AddColumn::cast(node).and_then(|column| column.name()))
    });
    at.map(|name| plain(&name.text())).into_iter().collect()
}
