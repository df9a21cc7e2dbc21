//! Edits `crates/db/schema.sql`, which contains the schema as PostgreSQL reports it. A test compares the file with the
//! migrations.

use naming::quoted;

use crate::names::singular;

pub(crate) const FILE: &str = "crates/db/schema.sql";

/// The definitions of tables and indexes, in file order.
#[derive(Clone)]
pub(crate) struct Schema(Vec<String>);

impl Schema {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim_end().split("\n\n").map(str::to_owned).collect())
    }

    pub(crate) fn text(&self) -> String {
        self.0.join("\n\n") + "\n"
    }

    fn tables(&self) -> impl Iterator<Item = &str> {
        let names = self
            .0
            .iter()
            .filter_map(|object| object.strip_prefix("CREATE TABLE ")?.split_once(" ("));
        names.map(|(name, _)| name.trim_matches('"'))
    }

    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.tables().any(|table| table == name)
    }

    pub(crate) fn has_column(&self, table: &str, column: &str) -> bool {
        let head = format!("CREATE TABLE {} (\n", quoted(table));
        let object = self.0.iter().find(|object| object.starts_with(&head));
        let start = format!("    {} ", quoted(column));
        object.is_some_and(|object| object.lines().any(|line| line.starts_with(&start)))
    }

    /// Returns advice for a wrong plural. Suggests the table if `name` is its singular.
    pub(crate) fn hint(&self, name: &str) -> String {
        let table = self.tables().find(|table| singular(table) == name);
        let other = "Pass the plural of a resource, such as `persons`.";
        table.map_or_else(|| other.to_owned(), |table| format!("Did you mean `{table}`?"))
    }

    /// Adds a column and constraints to a table.
    pub(crate) fn add_column(&mut self, table: &str, column: String, added: Vec<String>) {
        let head = format!("CREATE TABLE {} (\n", quoted(table));
        let Some(object) = self.0.iter_mut().find(|object| object.starts_with(&head)) else {
            return;
        };
        let lines = object[head.len()..]
            .trim_end_matches("\n);")
            .split(",\n")
            .map(|line| line.trim().to_owned());
        let (mut rules, mut columns): (Vec<_>, Vec<_>) =
            lines.partition(|line| line.starts_with("CONSTRAINT "));
        columns.push(column);
        rules.extend(added);
        *object = create_table(table, columns, rules);
    }

    /// Adds a table.
    pub(crate) fn add_table(&mut self, table: &str, columns: Vec<String>, rules: Vec<String>) {
        self.insert(create_table(table, columns, rules));
    }

    /// Adds an index, such as `btree (title)`.
    pub(crate) fn add_index(&mut self, unique: &str, name: &str, table: &str, columns: &str) {
        self.insert(format!(
            "CREATE {unique}INDEX {name} ON public.{} USING {columns};",
            quoted(table)
        ));
    }

    /// Removes a table with its indexes.
    pub(crate) fn remove(&mut self, table: &str) {
        let head = format!("CREATE TABLE {} (\n", quoted(table));
        let on = format!(" ON public.{} USING ", quoted(table));
        let is_index = |object: &str| {
            object.starts_with("CREATE ")
                && object.lines().next().is_some_and(|line| line.contains(&on))
        };
        self.0.retain(|object| !object.starts_with(&head) && !is_index(object));
    }

    /// Inserts a definition in sorted order: tables come first, then indexes sorted by table.
    fn insert(&mut self, object: String) {
        let own = place(&object);
        let is_later = |other: &String| place(other).is_some_and(|other| Some(other) > own);
        let after_last =
            || self.0.iter().rposition(|other| place(other).is_some()).map_or(0, |at| at + 1);
        let at = self.0.iter().position(is_later).unwrap_or_else(after_last);
        self.0.insert(at, object);
    }
}

/// Returns the sort key of a definition.
fn place(object: &str) -> Option<(bool, &str, &str)> {
    let line = object.lines().next()?.strip_prefix("CREATE ")?;
    if let Some(name) = line.strip_prefix("TABLE ") {
        return Some((false, name.strip_suffix(" (")?, ""));
    }
    let (_, rest) = line.split_once("INDEX ")?;
    let (name, rest) = rest.split_once(" ON public.")?;
    Some((true, rest.split_once(" USING ")?.0, name))
}

fn create_table(table: &str, columns: Vec<String>, mut rules: Vec<String>) -> String {
    rules.sort_by_key(|rule| (!rule.contains(" PRIMARY KEY "), rule.clone()));
    format!(
        "CREATE TABLE {} (\n    {}\n);",
        quoted(table),
        [columns, rules].concat().join(",\n    ")
    )
}
