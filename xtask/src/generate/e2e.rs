//! The end-to-end tests.

use super::{
    Changes, Field, Kind, Resource,
    api::values::{decimal, text},
    template::Template,
};

const MODULE: &str = include_str!("templates/e2e.rs.template");

pub(super) fn write(resource: &Resource, changes: &mut Changes) {
    let names = &resource.names;
    let parents: Vec<_> = resource.fields.iter().filter(|it| is_parent(it)).collect();
    let needs_app = needs_count(resource) || parents.iter().any(|field| !field.is_self_reference());
    let (of_app, of_ref_app) =
        if needs_app { ("body(app).await", "body(&app).await") } else { ("body()", "body()") };
    let required: Vec<_> =
        resource.fields.iter().filter(|field| !field.optional).map(quoted).collect();
    let optional: Vec<_> = resource.optional().map(quoted).collect();
    let others = parents
        .iter()
        .map(|field| format!("let other_{} = new_{}(&app).await;", field.base(), field.base()));
    let tests = |test: &dyn Fn(&Field) -> Option<String>| {
        resource.fields.iter().filter_map(test).collect::<Vec<_>>().join("\n\n")
    };
    let filters: Vec<_> =
        resource.filters().into_iter().map(|it| filter_test(it, resource)).collect();
    let text = Template::new(MODULE, names)
        .fill("filters", &filters.join("\n\n"))
        .fill("unique_tests", &tests(&|field| unique_test(field)))
        .fill("reference_tests", &tests(&|field| reference_tests(field)))
        .fill("removals", if optional.is_empty() { "" } else { REMOVALS })
        .fill("optional_removed", if optional.is_empty() { "" } else { OPTIONAL_REMOVED })
        .fill("missing", if required.is_empty() { "" } else { MISSING })
        .fill("lists", &lists(&required, &optional))
        .fill("others", &others.collect::<Vec<_>>().join("\n"))
        .fill("patches", &resource.each(patch))
        .fill("wrong", &resource.each(wrong))
        .fill("body", &body(resource, needs_app))
        .fill("body_of_app", of_app)
        .fill("body_of_ref_app", of_ref_app)
        .fill("created_one", &format!("a_created_{}", names.thing()))
        .fill("deleted_one", &format!("a_deleted_{}", names.thing()))
        // Once more, for the pieces.
        .names(names)
        .text();
    changes.add(format!("tests/e2e/{}.rs", names.things()), text);
}

const REMOVALS: &str = "\
    for field in OPTIONAL {
        let patched = send(app.request(\"PATCH\", &path).json(&json!({ field: null }))).await;
        assert!(json(patched).await.get(field).is_none(), \"{field}\");
    }";

const MISSING: &str = "\
    for field in REQUIRED {
        let mut body = body.clone();
        body.as_object_mut().expect(\"an object\").remove(field);
        refuse(&app, &body, field).await;
    }";

const OPTIONAL_REMOVED: &str = "\
    for field in OPTIONAL {
        body.as_object_mut().expect(\"an object\").remove(field);
    }";

fn quoted(field: &Field) -> String {
    format!("\"{}\"", field.name)
}

fn lists(required: &[String], optional: &[String]) -> String {
    let mut text = String::new();
    for (name, fields) in [("REQUIRED", required), ("OPTIONAL", optional)] {
        if !fields.is_empty() {
            text += &format!("const {name}: [&str; {}] = [{}];\n", fields.len(), fields.join(", "));
        }
    }
    text
}

fn is_parent(field: &Field) -> bool {
    matches!(field.kind, Kind::Ref(_))
}

/// Whether values must differ from those of rows that are there.
fn needs_count(resource: &Resource) -> bool {
    resource.fields.iter().any(|field| field.unique && !is_parent(field))
}

fn body(resource: &Resource, needs_app: bool) -> String {
    let mut text = String::new();
    let mut values = String::new();
    for field in &resource.fields {
        if let Kind::Ref(parent) = &field.kind {
            text += &new_parent(field, &parent.things, parent.create);
        }
        if !field.is_self_reference() {
            values += &format!("\"{}\": {},\n", field.name, value(field));
        }
    }
    let count = "let stored = get(app, \"/%path%?limit=100\").await;
        let number = stored[\"items\"].as_array().expect(\"a list\").len();\n";
    let (signature, count) = match (needs_app, needs_count(resource)) {
        (true, true) => ("async fn body(app: &TestApp)", count),
        (true, false) => ("async fn body(app: &TestApp)", ""),
        _ => ("fn body()", ""),
    };
    let about = if count.is_empty() { "" } else { ", with values that none has yet" };
    format!(
        "{text}/// A valid body{about}.\n{signature} -> Value {{\n{count}json!({{\n{values}}})\n}}"
    )
}

fn new_parent(field: &Field, things: &str, create: &str) -> String {
    let name = field.base();
    let created = match create.strip_prefix("sign_up") {
        _ if field.is_self_reference() => create.to_owned(),
        None => format!("crate::{things}::{create}"),
        Some(_) => {
            let create = create.replace("Uuid::", "uuid::Uuid::");
            format!("json(crate::{things}::{create}).await")
        }
    };
    format!(
        "/// The id of a new {}.\nasync fn new_{name}(app: &TestApp) -> Value {{\n\
         let created = {created};\ncreated[\"id\"].clone()\n}}\n\n",
        field.label()
    )
}

/// A valid value; in a body of tests.
fn value(field: &Field) -> String {
    match (&field.kind, field.unique) {
        (Kind::Text { max: 0..20 }, true) => "number.to_string()".to_owned(),
        (Kind::Text { .. }, true) => format!("format!(\"{} {{number}}\")", field.name),
        (Kind::Text { max }, false) => format!("\"{}\"", text(field, *max)),
        (Kind::Int | Kind::Bigint, true) => "number".to_owned(),
        (Kind::Int | Kind::Bigint, false) => "1".to_owned(),
        (Kind::Numeric { digits, scale }, true) => match (digits - scale, *scale) {
            (0, scale) => format!("format!(\"0.{{number:0{scale}}}\")"),
            (_, 0) => "number.to_string()".to_owned(),
            (_, scale) => format!("format!(\"{{number}}.{}\")", "0".repeat(scale as usize)),
        },
        (Kind::Numeric { digits, scale }, false) => format!("\"{}\"", decimal(*digits, *scale)),
        (Kind::Bool, _) => "true".to_owned(),
        (Kind::Uuid, true) => "format!(\"01900000-0000-7000-8000-{number:012}\")".to_owned(),
        (Kind::Uuid, false) => "\"01900000-0000-7000-8000-000000000001\"".to_owned(),
        (Kind::Date, true) => "format!(\"{:04}-02-28\", 2000 + number)".to_owned(),
        (Kind::Date, false) => "\"2024-02-29\"".to_owned(),
        (Kind::Timestamptz, true) => "format!(\"{:04}-01-02T03:04:05Z\", 2000 + number)".to_owned(),
        (Kind::Timestamptz, false) => "\"2026-01-02T03:04:05Z\"".to_owned(),
        (Kind::Jsonb, _) => "{ \"a\": 1, \"b\": { \"c\": [true] } }".to_owned(),
        (Kind::Enum(values), _) => format!("\"{}\"", values[0]),
        (Kind::Ref(_), _) => format!("new_{}(app).await", field.base()),
    }
}

/// A field, a change of it, and what it becomes.
fn patch(field: &Field) -> String {
    let same = |value: &str| (value.to_owned(), value.to_owned());
    let (patch, becomes) = match &field.kind {
        Kind::Text { max: 0..11 } => same("json!(\"b\")"),
        Kind::Text { .. } => same("json!(\"Another one\")"),
        Kind::Int => same("json!(-2_147_483_648_i64)"),
        Kind::Bigint => same("json!(9_007_199_254_740_991_i64)"),
        Kind::Numeric { digits, scale } => {
            let (whole, part) = ((digits - scale) as usize, *scale as usize);
            let whole = if whole == 0 { "0".to_owned() } else { "9".repeat(whole) };
            let part = if part == 0 { String::new() } else { format!(".{}", "9".repeat(part)) };
            same(&format!("json!(\"-{whole}{part}\")"))
        }
        Kind::Bool => same("json!(false)"),
        Kind::Uuid => same("json!(\"01900000-0000-7000-8000-00000000ffff\")"),
        Kind::Date => same("json!(\"1999-12-31\")"),
        Kind::Timestamptz => (
            "json!(\"2000-01-01T00:59:59.123456+01:00\")".to_owned(),
            "json!(\"1999-12-31T23:59:59.123456Z\")".to_owned(),
        ),
        Kind::Jsonb => (
            "json!({ \"a\": null, \"b\": { \"d\": 2 } })".to_owned(),
            "json!({ \"b\": { \"c\": [true], \"d\": 2 } })".to_owned(),
        ),
        Kind::Enum(values) => same(&format!("json!(\"{}\")", values[values.len() - 1])),
        Kind::Ref(_) => {
            (format!("other_{}.clone()", field.base()), format!("other_{}", field.base()))
        }
    };
    format!("(\"{}\", {patch}, {becomes}),", field.name)
}

/// A field, and values that it must not have.
fn wrong(field: &Field) -> String {
    let mut values = match &field.kind {
        Kind::Text { max } => {
            vec!["json!(\"\")".to_owned(), format!("json!(\"x\".repeat({}))", max + 1)]
        }
        Kind::Int => vec!["json!(2_147_483_648_i64)".to_owned(), "json!(1.5)".to_owned()],
        Kind::Bigint => vec!["json!(9_007_199_254_740_992_i64)".to_owned()],
        Kind::Numeric { .. } => vec!["json!(1)".to_owned(), "json!(\"1e1\")".to_owned()],
        Kind::Bool => vec!["json!(\"true\")".to_owned()],
        Kind::Date => vec!["json!(\"2026-02-29\")".to_owned()],
        Kind::Timestamptz => vec!["json!(\"2026-01-02\")".to_owned()],
        Kind::Jsonb => vec!["json!([])".to_owned()],
        Kind::Uuid | Kind::Ref(_) | Kind::Enum(_) => vec!["json!(\"x\")".to_owned()],
    };
    if !field.optional {
        values.push("Value::Null".to_owned());
    }
    let lines = values.iter().map(|value| format!("(\"{}\", {value}),", field.name));
    lines.collect::<Vec<_>>().join("\n")
}

fn filter_test(field: &Field, resource: &Resource) -> String {
    let (name, things) = (&field.name, resource.names.things());
    let test = format!(
        "#[tokio::test]\nasync fn {things}_are_found_by_{name}() {{\nlet app = TestApp::spawn().await;\n"
    );
    match &field.kind {
        Kind::Enum(values) => format!(
            "{test}let created = create(&app).await;
            let found = get(&app, \"/%path%?{name}={}\").await;
            assert_eq!(found[\"items\"], json!([created]));
            let found = get(&app, \"/%path%?{name}={}\").await;
            assert_eq!(found[\"items\"], json!([]));\n}}",
            values[0],
            values[values.len() - 1]
        ),
        _ => format!(
            "{test}create(&app).await;
            let id = new_{}(&app).await;
            let mut body = %body_of_ref_app%;
            body[\"{name}\"] = id.clone();
            let created = json(send(app.post(\"/%path%\", &body)).await).await;
            let query = format!(\"/%path%?{name}={{}}\", id.as_str().expect(\"a string\"));
            assert_eq!(get(&app, &query).await, json!({{ \"items\": [created] }}));\n}}",
            field.base()
        ),
    }
}

fn unique_test(field: &Field) -> Option<String> {
    let name = &field.name;
    field.unique.then(|| {
        format!(
            "#[tokio::test]
            async fn a_taken_{name}_is_a_conflict() {{
                let app = TestApp::spawn().await;
                let taken = create(&app).await[\"{name}\"].clone();
                let mut body = %body_of_ref_app%;
                body[\"{name}\"] = taken;
                let problem = problem(send(app.post(\"/%path%\", &body)).await, 409).await;
                assert_eq!(problem[\"errors\"][0][\"pointer\"], \"/{name}\");
            }}"
        )
    })
}

fn reference_tests(field: &Field) -> Option<String> {
    let Kind::Ref(parent) = &field.kind else { return None };
    let (name, base, path) = (&field.name, field.base(), &parent.path);
    Some(format!(
        "#[tokio::test]
        async fn a_missing_{base}_is_refused() {{
            let app = TestApp::spawn().await;
            let mut body = %body_of_ref_app%;
            body[\"{name}\"] = json!(\"00000000-0000-7000-8000-000000000000\");
            let problem = problem(send(app.post(\"/%path%\", &body)).await, 409).await;
            assert_eq!(problem[\"errors\"][0][\"pointer\"], \"/{name}\");
        }}

        #[tokio::test]
        async fn a_needed_{base}_is_not_deleted() {{
            let app = TestApp::spawn().await;
            let id = new_{base}(&app).await;
            let mut body = %body_of_ref_app%;
            body[\"{name}\"] = id.clone();
            assert_eq!(send(app.post(\"/%path%\", &body)).await.status(), 201);
            let path = format!(\"{path}/{{}}\", id.as_str().expect(\"a string\"));
            problem(send(app.request_as_admin(\"DELETE\", &path)).await, 409).await;
        }}"
    ))
}
