//! Reads names from statements.

use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

/// Returns the table that a statement creates, alters or indexes.
pub(crate) fn table(statement: &SyntaxNode) -> Option<String> {
    let path = if let Some(create) = ast::CreateTable::cast(statement.clone()) {
        create.path()
    } else if let Some(alter) = ast::AlterTable::cast(statement.clone()) {
        alter.relation_name()?.path()
    } else {
        ast::CreateIndex::cast(statement.clone())?.relation_name()?.path()
    };
    last_name(&path?)
}

/// Returns `table` for `schema.table`.
pub(crate) fn last_name(path: &ast::Path) -> Option<String> {
    Some(plain(&path.syntax().text().to_string().rsplit('.').next()?.to_owned()))
}

/// Returns the name without quotes, or in lower case if it is not quoted.
pub(crate) fn plain(name: &impl ToString) -> String {
    let name = name.to_string();
    let name = name.trim();
    name.strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .map_or_else(|| name.to_lowercase(), str::to_owned)
}
