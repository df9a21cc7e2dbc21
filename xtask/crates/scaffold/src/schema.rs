//! `crates/db/schema.sql`: the schema in the words in which PostgreSQL reports it. A test compares the file with the
//! migrations.

use crate::{
    field::Field,
    kind::Kind,
    names::singular,
    resource::{Link, Resource},
    words::quoted,
};

pub(crate) const FILE: &str = "crates/db/schema.sql";

/// The objects of the schema, in their order.
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

    /// Returns a hint at the table whose rows are called `name`.
    pub(crate) fn hint(&self, name: &str) -> String {
        let table = self.tables().find(|table| singular(table) == name);
        table.map_or_else(String::new, |table| format!(", but there is `{table}`"))
    }

    /// Adds the tables and indexes of a resource.
    pub(crate) fn add(&mut self, resource: &Resource) {
        self.insert(table(resource));
        for link in resource.links() {
            self.add_link(resource, &link);
        }
        for (name, method, columns) in indexes(resource) {
            self.insert(index("", &name, &resource.names.things, method, &columns));
        }
    }

    /// Adds a column and its indexes.
    pub(crate) fn add_field(&mut self, resource: &Resource, field: &Field) {
        let things = &resource.names.things;
        let head = format!("CREATE TABLE {} (\n", resource.table());
        if let Some(object) = self.0.iter_mut().find(|object| object.starts_with(&head)) {
            let lines = object[head.len()..]
                .trim_end_matches("\n);")
                .split(",\n")
                .map(|line| line.trim().to_owned());
            let (mut rules, mut columns): (Vec<_>, Vec<_>) =
                lines.partition(|line| line.starts_with("CONSTRAINT "));
            columns.push(column(field));
            rules.extend(constraints(things, field, false));
            *object = create_table(&resource.table(), columns, rules);
        }
        if let Kind::Ref(_) = field.kind {
            let columns = format!("{}, id", quoted(&field.column));
            self.insert(index(
                "",
                &format!("{things}_{}_id_idx", field.column),
                things,
                "btree",
                &columns,
            ));
        } else if field.unique {
            self.insert(index(
                "UNIQUE ",
                &format!("{things}_{}_key", field.column),
                things,
                "btree",
                &quoted(&field.column),
            ));
        }
    }

    fn add_link(&mut self, resource: &Resource, link: &Link) {
        let Link { table, own, other, .. } = link;
        let target = resource.fields.iter().find_map(|field| match &field.kind {
            Kind::Many(target) if resource.link(field).table == *table => {
                Some(quoted(&target.table))
            }
            _ => None,
        });
        let rules = [(own, resource.table()), (other, target.unwrap_or_default())].map(|(column, to)| {
            format!("CONSTRAINT {table}_{column}_fkey FOREIGN KEY ({column}) REFERENCES {to}(id) ON DELETE CASCADE")
        });
        let key = format!("CONSTRAINT {table}_pkey PRIMARY KEY ({own}, {other})");
        let columns = [own, other].map(|column| format!("{column} uuid NOT NULL")).to_vec();
        self.insert(create_table(table, columns, rules.into_iter().chain([key]).collect()));
        self.insert(index("", &format!("{table}_{other}_idx"), table, "btree", other));
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

    /// Inserts an object in its place: tables come first, then indexes by their tables.
    fn insert(&mut self, object: String) {
        let own = place(&object);
        let is_later = |other: &String| place(other).is_some_and(|other| Some(other) > own);
        let after_last =
            || self.0.iter().rposition(|other| place(other).is_some()).map_or(0, |at| at + 1);
        let at = self.0.iter().position(is_later).unwrap_or_else(after_last);
        self.0.insert(at, object);
    }
}

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
    format!("CREATE TABLE {table} (\n    {}\n);", [columns, rules].concat().join(",\n    "))
}

fn table(resource: &Resource) -> String {
    let things = &resource.names.things;
    let mut columns = vec!["id uuid NOT NULL".to_owned()];
    columns.extend(resource.scope_columns().iter().map(|column| format!("{column} uuid NOT NULL")));
    let fields = || resource.fields.iter().filter(|field| field.kind.is_column());
    columns.extend(fields().map(column));
    columns.push("version integer DEFAULT 1 NOT NULL".to_owned());
    columns.extend(
        ["created_at", "updated_at"]
            .map(|it| format!("{it} timestamp with time zone DEFAULT now() NOT NULL")),
    );
    let mut rules = vec![format!("CONSTRAINT {things}_pkey PRIMARY KEY (id)")];
    let parent =
        resource.under.iter().map(|parent| (parent.column.as_str(), parent.table.as_str()));
    for (column, to) in parent.chain(resource.owned.then_some(("owner_id", "accounts"))) {
        let (column, to, name) = (quoted(column), quoted(to), format!("{things}_{column}_fkey"));
        rules.push(format!(
            "CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {to}(id) ON DELETE CASCADE"
        ));
    }
    rules.extend(fields().flat_map(|field| constraints(things, field, true)));
    create_table(&resource.table(), columns, rules)
}

fn column(field: &Field) -> String {
    let default = field.default.as_ref().and_then(|value| field.kind.default(value, "").ok());
    let default = default.map_or_else(String::new, |[.., reported]| format!(" DEFAULT {reported}"));
    let needed = if field.optional { "" } else { " NOT NULL" };
    format!("{} {}{default}{needed}", quoted(&field.column), field.kind.reported_type())
}

/// The rules of a column. In a table that has rows, a unique index takes the place of the constraint.
fn constraints(things: &str, field: &Field, with_unique: bool) -> Vec<String> {
    let (name, column) = (&field.column, quoted(&field.column));
    let mut rules = Vec::new();
    if let Some(check) = field.kind.check(name) {
        rules.push(format!("CONSTRAINT {things}_{name}_{} {}", check.suffix, check.reported));
    }
    if let Kind::Ref(target) = &field.kind {
        let to = quoted(&target.table);
        rules.push(format!(
            "CONSTRAINT {things}_{name}_fkey FOREIGN KEY ({column}) REFERENCES {to}(id)"
        ));
    }
    if field.unique && with_unique {
        rules.push(format!("CONSTRAINT {things}_{name}_key UNIQUE ({column})"));
    }
    rules
}

/// The indexes of a table: their names, methods and columns.
fn indexes(resource: &Resource) -> Vec<(String, &'static str, String)> {
    let things = &resource.names.things;
    let scope = resource.scope_columns();
    let references =
        resource.fields.iter().filter(|field| !field.unique && matches!(field.kind, Kind::Ref(_)));
    let columns = scope.into_iter().chain(references.map(|field| quoted(&field.column)));
    let of_columns = columns.map(|column| {
        (format!("{things}_{}_id_idx", column.trim_matches('"')), "btree", format!("{column}, id"))
    });
    let search = (!resource.search.is_empty())
        .then(|| (format!("{things}_search_idx"), "gin", resource.reported_search_document()));
    of_columns.chain(search).collect()
}

fn index(unique: &str, name: &str, table: &str, method: &str, columns: &str) -> String {
    format!("CREATE {unique}INDEX {name} ON public.{} USING {method} ({columns});", quoted(table))
}
