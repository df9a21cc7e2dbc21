//! Writes the queries of a resource. The resource kit (`crates/web/src/resource.rs`) defines the order of parameters.

use naming::{WIDTH, quoted, wrap};

use crate::{
    kind::Kind,
    resource::{Link, Resource},
};

/// The last columns of every list of columns.
const TAIL: [&str; 3] = ["version", "created_at", "updated_at"];

/// A counter for the parameters of a query.
#[derive(Default)]
struct Parameters(u32);

impl Parameters {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("${}", self.0)
    }
}

/// Returns the Rust source of the SQL fields of `Queries`.
pub(crate) fn queries(resource: &Resource) -> String {
    let mut queries = vec![("list", literal(&list(resource, false)))];
    if resource.has_search() {
        queries
            .push(("search", format!("Some(\n        {},\n    )", literal(&list(resource, true)))));
    }
    queries.push(("find", literal(&find(resource))));
    queries.push(("insert", insert(resource)));
    queries.push(("update", update(resource, true)));
    if resource.fields.iter().any(|field| field.kind.is("jsonb")) {
        queries.push(("replace", format!("Some({})", update(resource, false))));
    }
    queries.push(("delete", delete(resource)));
    queries.iter().map(|(name, value)| format!("    {name}: {value},\n")).collect()
}

/// Returns SQL as a Rust string literal.
pub(crate) fn literal(sql: &str) -> String {
    let text = sql.replace('\n', "\n        ");
    if text.contains('"') { format!("r#\"{text}\"#") } else { format!("\"{text}\"") }
}

fn audited(parameter: u32, sql: &str) -> String {
    format!("audited!(\n        {parameter},\n        {}\n    )", literal(sql))
}

/// Returns the form of `audited!` for a query that also writes join tables.
fn audited_with(parameter: u32, with: &str, select: &str) -> String {
    let (with, select) = (literal(with), literal(select));
    format!(
        "audited!(\n        {parameter},\n        with: {with},\n        select: {select}\n    )"
    )
}

/// Returns the columns of the table that a query returns.
fn returned(resource: &Resource) -> String {
    let mut columns = vec!["id".to_owned()];
    columns.extend(resource.scope_columns());
    for field in &resource.fields {
        let column = quoted(&field.column);
        match field.kind {
            Kind::Numeric { .. } => columns.push(format!("{column}::text AS {column}")),
            Kind::Many(_) => {}
            _ => columns.push(column),
        }
    }
    columns.extend(TAIL.map(str::to_owned));
    wrap(&columns, ",", "    ", 10)
}

/// Returns the SQL expression for the ids that a row of `table` is linked to.
fn linked(link: &Link, table: &str) -> String {
    let Link { table: links, own, other, .. } = link;
    format!("ARRAY(SELECT {other} FROM {links} WHERE {own} = {table}.id ORDER BY {other})")
}

/// Appends the ids of linked rows to a list of columns.
fn with_links(resource: &Resource, columns: &str, ids: impl Fn(&Link) -> String) -> String {
    let links = resource
        .links()
        .into_iter()
        .map(|link| format!(",\n    {} AS {}", ids(&link), link.column));
    format!("{columns}{}", links.collect::<String>())
}

fn select(resource: &Resource) -> String {
    let table = resource.table();
    with_links(resource, &returned(resource), |link| linked(link, &table))
}

/// Returns the writable columns of the table. Fields with a join table do not have a column.
fn stored(resource: &Resource) -> Vec<String> {
    let fields = resource.fields.iter().filter(|field| field.kind.is_column());
    fields.map(|field| quoted(&field.column)).collect()
}

/// Returns the conditions that restrict rows to the parent and the owner of the request.
fn scope(resource: &Resource, parameters: &mut Parameters) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(parent) = &resource.under {
        conditions.push(format!("{} = {}", quoted(&parent.column), parameters.next()));
    }
    if resource.owned {
        let owner = parameters.next();
        conditions.push(format!("({owner}::uuid IS NULL OR owner_id = {owner})"));
    }
    conditions
}

/// Joins conditions with AND, on one line if they fit and otherwise one condition per line.
fn all(conditions: &[String], before: &str) -> String {
    let line = conditions.join(" AND ");
    if before.len() + line.len() <= WIDTH && !line.contains('\n') {
        return format!("{before}{line}");
    }
    format!("{before}{}", conditions.join("\n    AND "))
}

fn list(resource: &Resource, with_filters: bool) -> String {
    let (table, mut parameters) = (resource.table(), Parameters::default());
    let mut conditions = scope(resource, &mut parameters);
    if with_filters {
        for filter in resource.filters() {
            let (value, column) = (parameters.next(), quoted(&filter.field.column));
            conditions.push(match &filter.field.kind {
                Kind::Many(_) => {
                    let Link { table: links, own, other, .. } = resource.link(filter.field);
                    format!(
                        "({value}::uuid IS NULL OR EXISTS (\n        SELECT FROM {links} WHERE {own} = {table}.id \
                         AND {other} = {value}\n    ))"
                    )
                }
                kind => format!("({value}::{} IS NULL OR {column} = {value})", kind.sql_type()),
            });
        }
        if !resource.search.is_empty() {
            let (value, document) = (parameters.next(), resource.search_document());
            conditions.push(format!(
                "({value}::text IS NULL\n        OR {document}\n            @@ websearch_to_tsquery('simple', {value}))"
            ));
        }
    }
    conditions.push(format!("id > {}", parameters.next()));
    let limit = format!("{}::int", parameters.next());
    // With the limit in a sub-select, PostgreSQL reuses one plan. Queries with filters need a new plan for each call.
    let limit = if with_filters || resource.owned { limit } else { format!("(SELECT {limit})") };
    format!(
        "-- {}.{}\nSELECT {}\nFROM {table}\n{}\nORDER BY id LIMIT {limit}",
        resource.names.things,
        if with_filters { "search" } else { "list" },
        select(resource),
        all(&conditions, "WHERE "),
    )
}

fn find(resource: &Resource) -> String {
    format!(
        "-- {}.find\nSELECT {}\nFROM {} WHERE id = ANY ((SELECT $1::uuid[])::uuid[])",
        resource.names.things,
        select(resource),
        resource.table(),
    )
}

fn insert(resource: &Resource) -> String {
    let table = resource.table();
    let mut columns = vec!["id".to_owned()];
    columns.extend(resource.scope_columns());
    columns.extend(stored(resource));
    let label = format!("-- {}.insert\n", resource.names.things);
    let into = wrap(&columns, ",", "    ", table.len() + 14);
    let select = format!("SELECT {}", wrap(&columns, ",", "    ", 7));
    let from = format!("FROM jsonb_populate_recordset(NULL::{table}, $1)");
    let fits = select.len() + from.len() < WIDTH && !select.contains('\n');
    let separator = if fits { ' ' } else { '\n' };
    let insert = format!("INSERT INTO {table} ({into})\n{select}{separator}{from}\nRETURNING ");
    let insert = format!("{insert}{}", returned(resource));
    let links = resource.links();
    if links.is_empty() {
        return audited(2, &format!("{label}{insert}"));
    }
    let given = |link: &Link| {
        format!(
            "FROM jsonb_array_elements($1) AS given (item),\n        \
             jsonb_array_elements_text(given.item -> '{}') AS ids (id)",
            link.column
        )
    };
    let mut with = changed(&label, &insert);
    for link in &links {
        let Link { table: links, own, other, .. } = link;
        with += &format!(
            ", {links}_added AS (\n    INSERT INTO {links} ({own}, {other})\n    \
             SELECT DISTINCT (given.item ->> 'id')::uuid, ids.id::uuid\n    {}\n)",
            given(link)
        );
    }
    let ids = |link: &Link| {
        let given = given(link).replace('\n', "\n    ");
        format!(
            "ARRAY(\n        SELECT DISTINCT ids.id::uuid\n        {given}\n        \
             WHERE (given.item ->> 'id')::uuid = changed.id ORDER BY 1\n    )"
        )
    };
    audited_with(2, &with, &format!("SELECT {}\nFROM changed", with_links(resource, "*", ids)))
}

/// Returns the query that writes the main table, as the CTE `changed`.
fn changed(label: &str, query: &str) -> String {
    format!("changed AS (\n    {label}    {}\n)", query.replace('\n', "\n    "))
}

/// Returns the query for PATCH, which merges jsonb values, or for PUT, which replaces them.
fn update(resource: &Resource, merges: bool) -> String {
    let (table, mut parameters) = (resource.table(), Parameters::default());
    let (_fields, id, versions) = (parameters.next(), parameters.next(), parameters.next());
    let mut conditions = vec![
        format!("id = {id}"),
        format!("({versions}::int[] IS NULL OR version = ANY ({versions}))"),
    ];
    conditions.extend(scope(resource, &mut parameters));
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for field in resource.fields.iter().filter(|field| field.kind.is_column()) {
        let column = quoted(&field.column);
        values.push(match &field.kind {
            kind if merges && kind.is("jsonb") => {
                format!("jsonb_merge_patch({table}.{column}, $1 -> '{}')", field.column)
            }
            _ => column.clone(),
        });
        columns.push(column);
    }
    columns.extend(["version", "updated_at"].map(str::to_owned));
    values.extend([format!("{table}.version + 1"), "now()".to_owned()]);
    let links = resource.links();
    if !links.is_empty() {
        conditions.push(format!(
            "version = (SELECT seen.version FROM {table} AS seen WHERE seen.id = {id})"
        ));
    }
    let name = if merges { "update" } else { "replace" };
    let label = format!("-- {}.{name}\n", resource.names.things);
    let update = format!(
        "UPDATE {table} SET ({}) = (\n    SELECT {}\n    FROM jsonb_populate_record({table}.*, $1)\n)\n{}\nRETURNING ",
        wrap(&columns, ",", "    ", table.len() + 13),
        wrap(&values, ",", "        ", 11),
        all(&conditions, "WHERE "),
    );
    let (audit, update) = (parameters.0 + 1, update + &returned(resource));
    if links.is_empty() {
        return audited(audit, &format!("{label}{update}"));
    }
    let mut with = changed(&label, &update);
    for Link { table: links, own, other, column } in &links {
        let ids = format!("jsonb_array_elements_text($1 -> '{column}') AS ids (id)");
        with += &format!(
            ", {links}_removed AS (\n    DELETE FROM {links} AS link USING changed\n    \
             WHERE link.{own} = changed.id AND $1 ? '{column}'\n        \
             AND link.{other} NOT IN (\n            SELECT ids.id::uuid\n            FROM {ids}\n        )\n), {links}_added AS (\n    \
             INSERT INTO {links} ({own}, {other})\n    SELECT DISTINCT changed.id, ids.id::uuid\n    \
             FROM changed, {ids}\n    ON CONFLICT DO NOTHING\n)"
        );
    }
    let ids = |link: &Link| {
        let column = &link.column;
        format!(
            "CASE WHEN $1 ? '{column}' THEN ARRAY(\n        \
             SELECT DISTINCT ids.id::uuid\n        FROM jsonb_array_elements_text($1 -> '{column}') AS ids (id)\n        ORDER BY 1\n    \
             )\n    ELSE {}\n    END",
            linked(link, "changed")
        )
    };
    audited_with(audit, &with, &format!("SELECT {}\nFROM changed", with_links(resource, "*", ids)))
}

fn delete(resource: &Resource) -> String {
    let mut parameters = Parameters::default();
    let (id, versions) = (parameters.next(), parameters.next());
    let mut conditions = vec![
        format!("id = {id}"),
        format!("({versions}::int[] IS NULL OR version = ANY ({versions}))"),
    ];
    conditions.extend(scope(resource, &mut parameters));
    let sql = format!(
        "-- {}.delete\nDELETE FROM {}\n{}\nRETURNING id",
        resource.names.things,
        resource.table(),
        all(&conditions, "WHERE "),
    );
    audited(parameters.0 + 1, &sql)
}
