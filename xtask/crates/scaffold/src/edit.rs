//! Adds a field to the source file of a resource, even if users have edited the file. For example, a list of columns is
//! found by its last columns: `version, created_at, updated_at`.

use naming::quoted;
use regex::{Captures, Regex};

use crate::{kind::Kind, resource::Resource, templates};

const LONGEST_LINE: usize = 100;

/// A source file that is being edited.
pub(crate) struct Source {
    pub(crate) text: String,
    /// The names of the places that were not found.
    pub(crate) missing: Vec<&'static str>,
}

impl Source {
    /// Replaces every match. Without a match, adds `place` to `missing`.
    fn replace(
        &mut self,
        place: &'static str,
        pattern: &str,
        change: impl FnMut(&Captures<'_>) -> String,
    ) {
        let pattern = Regex::new(pattern).expect("the pattern is valid");
        if pattern.is_match(&self.text) {
            self.text = pattern.replace_all(&self.text, change).into_owned();
        } else {
            self.missing.push(place);
        }
    }

    /// Inserts text after the first match. Without a match, adds `place` to `missing`.
    fn insert_after(&mut self, place: &'static str, pattern: &str, text: &str) {
        match Regex::new(pattern).expect("the pattern is valid").find(&self.text) {
            Some(found) => self.text.insert_str(found.end(), text),
            None => self.missing.push(place),
        }
    }
}

/// Returns the source with the only field of `resource` added.
pub(crate) fn add_field(source: &str, resource: &Resource) -> Source {
    let field = &resource.fields[0];
    let (thing, table) = (resource.names.thing_type(), regex::escape(&resource.table()));
    let column = quoted(&field.column);
    let mut source = Source { text: source.to_owned(), missing: Vec::new() };
    if column.contains('"') {
        // Changes the queries to raw strings, because the quoted name of the column contains quotes.
        let strings = Regex::new(r#"([^#])"((?:-- |changed AS|SELECT )[^"]*)""#)
            .expect("the pattern is valid");
        source.text = strings.replace_all(&source.text, "${1}r#\"${2}\"#").into_owned();
    }
    add_to_struct(&mut source, resource, &thing);
    add_imports(&mut source, &field.kind);
    let returned = match field.kind {
        Kind::Numeric { .. } => format!("{column}::text AS {column}"),
        _ => column.clone(),
    };
    let list = r"version,\s+created_at,\s+updated_at\b";
    source.replace("the lists of columns", list, |list| format!("{returned}, {}", &list[0]));
    let insert = format!(r"(INSERT INTO {table} \([^)]*)\)");
    source.replace("INSERT", &insert, |insert| format!("{}, {column})", &insert[1]));
    let rows = format!(r"\s+FROM jsonb_populate_recordset\(NULL::{table},");
    source.replace("the SELECT of INSERT", &rows, |rows| format!(", {column}{}", &rows[0]));
    source.replace("UPDATE", r"version,\s+updated_at\)\s+= \(", |set| {
        format!("{column}, {}", &set[0])
    });
    if field.kind.is("jsonb") {
        add_json_values(&mut source, resource, &column);
    } else {
        let version = format!(r"{table}\.version \+ 1");
        source.replace("the SELECT of UPDATE", &version, |version| {
            format!("{column}, {}", &version[0])
        });
    }
    let (arguments, filters) = templates::filters(resource);
    if let [value] = &filters[..] {
        add_filter(&mut source, &arguments, value, &column, &field.kind.sql_type());
    }
    source.text = wrapped(&source.text, &field.column);
    source
}

/// Breaks lines that are too long and contain the column.
fn wrapped(text: &str, column: &str) -> String {
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        let (mut rest, indent) = (line, line.len() - line.trim_start().len() + 4);
        while rest.trim_end().len() > LONGEST_LINE && line.contains(column) && !line.contains("//")
        {
            let Some(at) = rest[..LONGEST_LINE].rfind(", ") else { break };
            lines += &format!("{},\n{}", &rest[..at], " ".repeat(indent));
            rest = &rest[at + 2..];
        }
        lines += rest;
    }
    lines
}

fn add_to_struct(source: &mut Source, resource: &Resource, thing: &str) {
    let field = &resource.fields[0];
    let lines = templates::struct_field(field, resource);
    let body = format!(r"(\(crate\) struct Create{thing} \{{\n(?s:.*?))\n\}}");
    source.replace("the struct", &body, |body| format!("{}\n{lines}\n}}", &body[1]));
    let entry = templates::column(field);
    let columns = format!(r"columns!\(Create{thing}:([^;)]*[^;)\s])");
    source.replace("columns!", &columns, |columns| format!("{}, {entry}", &columns[0]));
    let types = format!("{}{}", templates::enums(resource), templates::defaults(resource));
    source.insert_after("columns!", &format!(r"columns!\(Create{thing}:[^)]*\);\n"), &types);
    let example = templates::example(field, resource);
    let body = format!(r"(impl Example for Create{thing} \{{(?s:.*?)[^,\s]),?(\s*\}}\s*\}}\s*\}})");
    source.replace("impl Example", &body, |body| format!("{},\n{example}{}", &body[1], &body[2]));
}

fn add_imports(source: &mut Source, kind: &Kind) {
    for (module, name) in kind.imports() {
        let imports = source.text.split("\n///").next().unwrap_or_default();
        if Regex::new(&format!(r"\b{name}\b")).expect("a name").is_match(imports) {
            continue;
        }
        let (_, inner) = module.split_once("::").unwrap_or((module, ""));
        let single = Regex::new(&format!(r"use {module}::(\w+);")).expect("the pattern is valid");
        if module == "chrono" && single.is_match(imports) {
            let both = format!("use chrono::{{$1, {name}}};");
            source.text = single.replace(&source.text, both.as_str()).into_owned();
        } else if module == "chrono" && !imports.contains("use chrono::{") {
            source.text = source.text.replacen("use ", &format!("use chrono::{name};\nuse "), 1);
        } else if inner.is_empty() {
            source.insert_after(
                "the imports",
                &format!(r"use {module}::\{{"),
                &format!("{name}, "),
            );
        } else if imports.contains(&format!("{inner}::{{")) {
            source.insert_after("the imports", &format!(r"{inner}::\{{"), &format!("{name}, "));
        } else {
            source.insert_after("the imports", r"use web::\{", &format!("{inner}::{name}, "));
        }
    }
}

/// Adds the values of a jsonb column. PATCH merges the value, so PUT needs a separate query that replaces it.
fn add_json_values(source: &mut Source, resource: &Resource, column: &str) {
    let table = resource.table();
    let version = format!("{table}.version + 1");
    let update =
        Regex::new(r"(?s)\n    update: (audited!\(.*?\n    \)),\n").expect("the pattern is valid");
    let Some(found) = update.captures(&source.text) else {
        source.missing.push("the SELECT of UPDATE");
        return;
    };
    let merged = format!(
        "jsonb_merge_patch({table}.{column}, $1 -> '{}'), {version}",
        resource.fields[0].column
    );
    let plain = format!("{column}, {version}");
    let mut queries = found[0].replace(&version, &merged);
    if !source.text.contains("\n    replace: Some(") {
        let replace = found[1].replace(".update\n", ".replace\n").replace(&version, &plain);
        queries += &format!("    replace: Some({replace}),\n");
    }
    let (start, end) =
        (found.get(0).map_or(0, |it| it.start()), found.get(0).map_or(0, |it| it.end()));
    let rest = source.text[end..].replace(&version, &plain);
    source.text = format!("{}{queries}{rest}", &source.text[..start]);
}

/// Appends a filter to the list operation and to its `search` query, which is created if it does not exist.
fn add_filter(source: &mut Source, arguments: &str, value: &str, column: &str, kind: &str) {
    source.replace("the arguments of the list", r"\n    \) -> Result<Listed<", |end| {
        format!("\n{arguments}{}", &end[0])
    });
    source.replace("filters!", r"filters!\[([^\]]*)\]", |filters| match &filters[1] {
        "" => format!("filters![{value}]"),
        others => format!("filters![{others}, {value}]"),
    });
    if !source.text.contains("\n    search: Some(") {
        source.replace("the query of the list", r##"(?s)\n    list: (r?#?".*?"#?),\n"##, |list| {
            let limit = Regex::new(r"\(SELECT (\$\d+::int)\)").expect("the pattern is valid");
            let search = limit.replace(&list[1], "$1").replace(".list\n", ".search\n");
            format!("{}    search: Some(\n        {search},\n    ),\n", &list[0])
        });
    }
    source.replace("the query of the search", r"(?s)\n    search: Some\(.*?\n    \),\n", |search| {
        let numbers = Regex::new(r"\bid > \$(\d+)(?s:(.*?))\$(\d+)::int").expect("the pattern is valid");
        let changed = numbers.replace(&search[0], |found: &Captures<'_>| {
            let number: u32 = found[1].parse().unwrap_or_default();
            format!(
                "(${number}::{kind} IS NULL OR {column} = ${number})\n            AND id > ${}{}${}::int",
                number + 1,
                &found[2],
                number + 2
            )
        });
        changed.into_owned()
    });
}

/// Returns the test with the field added, or `None` if the test was edited or the field has no example.
pub(crate) fn add_to_test(test: &str, resource: &Resource) -> Option<String> {
    let field = &resource.fields[0];
    let value = field.kind.json(&naming::words(field.base()))?;
    let fields = "let fields = json!({ ";
    test.contains(fields)
        .then(|| test.replacen(fields, &format!("{fields}\"{}\": {value}, ", field.column), 1))
}

/// Returns instructions for adding the field by hand.
pub(crate) fn by_hand(resource: &Resource) -> String {
    let (field, column) = (&resource.fields[0], quoted(&resource.fields[0].column));
    let table = resource.table();
    let imports =
        field.kind.imports().into_iter().map(|(module, name)| format!("{module}::{name}"));
    let imports: Vec<_> = imports.collect();
    let returned = if matches!(field.kind, Kind::Numeric { .. }) {
        format!("{column}::text AS {column}")
    } else {
        column.clone()
    };
    let types = format!("{}{}", templates::enums(resource), templates::defaults(resource));
    let thing = resource.names.thing_type();
    let mut text = format!(
        "add to the imports: {}\nadd to struct Create{thing}:\n{}\nadd to columns!: {}\n{types}add to impl Example:\n{}\n\
         add to every list of columns, before `version, created_at, updated_at`: {returned}\n\
         add to INSERT INTO {table} (...) and to its SELECT: {column}\n\
         add to UPDATE {table} SET (...) and to its SELECT, before the version: {column}\n",
        imports.join(", "),
        templates::struct_field(field, resource),
        templates::column(field),
        templates::example(field, resource),
    );
    let (arguments, filters) = templates::filters(resource);
    if let [value] = &filters[..] {
        text += &format!(
            "add to fn list:\n{arguments}\nadd to filters!: {value}\n\
             add to the search query: $n::{} IS NULL OR {column} = $n\n",
            field.kind.sql_type()
        );
    }
    text
}
