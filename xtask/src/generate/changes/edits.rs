//! Lines that are added to files of the house. Each returns none where the place is not as we know it.

use crate::generate::{
    names::Names,
    template::{capital, with_article},
};

/// More do not fit into a tuple of APIs, but a tuple does.
const LARGEST_TUPLE: usize = 16;

/// Adds a module; rustfmt puts it in its place.
pub(super) fn module(text: &str, declaration: &str) -> Option<String> {
    let starts = |line: &str| line.starts_with("mod ") || line.starts_with("pub mod ");
    let at = text.lines().find(|line| starts(line)).and_then(|line| text.find(line))?;
    Some(insert(text, at, &format!("{declaration}\n")))
}

/// Adds an API to `resources`, before what is about the server itself.
pub(super) fn route(text: &str, import: &str, api: &str) -> Option<String> {
    let at = after(text, "use crate::{\n")?;
    let text = insert(text, at, &format!("    {import},\n"));
    let function = after(&text, "fn resources(")?;
    let start = function + after(&text[function..], "\n    (\n")?;
    let end = start + text[start..].find("    )\n}")?;
    let tuple = &text[start..end];
    let at = tuple.find("        HealthApi").unwrap_or(tuple.len());
    let mut tuple = insert(tuple, at, &format!("        {api},\n"));
    let elements = tuple.lines().filter(|line| line.starts_with("        ") && line.ends_with(','));
    if elements.filter(|line| !line.starts_with("         ")).count() > LARGEST_TUPLE {
        let (first, rest) = tuple.split_at(at);
        tuple = format!("({first}),\n{rest}");
    }
    Some(format!("{}{tuple}{}", &text[..start], &text[end..]))
}

/// Adds a kind of resource to the audit.
pub(super) fn audited(text: &str, names: &Names) -> Option<String> {
    let variant = names.thing_type();
    let start = after(text, "enum Resource {")?;
    let end = start + text[start..].find("\n}")? + 1;
    let about = capital(&with_article(&names.one()));
    let text = insert(text, end, &format!("    /// {about}.\n    {variant},\n"));
    let start = after(&text, "impl Resource {")?;
    let end = start + text[start..].find("\n        }\n")? + 1;
    let arm = format!("            Self::{variant} => \"{}\",\n", names.thing());
    Some(insert(&text, end, &arm))
}

/// Adds the operations to the list of all, which is sorted.
pub(super) fn operations(text: &str, names: &Names) -> Option<String> {
    let start = after(text, "operations.join(\"\\n\"), @\"\n")?;
    let end = start + text[start..].find("    \");")?;
    let (thing, things, path) = (names.thing_type(), names.things_type(), names.path());
    let mut lines: Vec<_> = text[start..end].lines().map(str::to_owned).collect();
    lines.extend([
        format!("    get /{path} list{things}"),
        format!("    post /{path} create{thing}"),
        format!("    delete /{path}/{{id}} delete{thing}"),
        format!("    get /{path}/{{id}} get{thing}"),
        format!("    patch /{path}/{{id}} update{thing}"),
        format!("    put /{path}/{{id}} replace{thing}"),
    ]);
    let place = |line: &String| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let method = words.next();
        (words.next(), method)
    };
    lines.sort_by_key(place);
    Some(format!("{}{}\n{}", &text[..start], lines.join("\n"), &text[end..]))
}

/// Adds texts that are not there yet to a constant list of them.
pub(super) fn list(text: &str, constant: &str, items: &[String]) -> Option<String> {
    let start = after(text, constant)?;
    let start = start + after(&text[start..], "&[")?;
    let start = start + after(&text[start..], "&[")?;
    let end = start + text[start..].find(']')?;
    let mut all: Vec<_> = text[start..end].split('"').skip(1).step_by(2).collect();
    let is_sorted = all.is_sorted();
    for item in items {
        if !all.contains(&item.as_str()) {
            all.push(item);
        }
    }
    if is_sorted {
        all.sort_unstable();
    }
    let all: Vec<_> = all.iter().map(|item| format!("\"{item}\"")).collect();
    Some(format!("{}{}{}", &text[..start], all.join(", "), &text[end..]))
}

/// Where `text` goes on after the first `found`.
fn after(text: &str, found: &str) -> Option<usize> {
    text.find(found).map(|at| at + found.len())
}

fn insert(text: &str, at: usize, line: &str) -> String {
    format!("{}{line}{}", &text[..at], &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_that_is_full_goes_into_another() {
        let entry = |number: usize| format!("        Number{number}Api::new(),\n");
        let mut text = "use crate::{\n};\nfn resources(a: A) -> impl OpenApi {\n    (\n".to_owned();
        text.extend((1..LARGEST_TUPLE).map(entry));
        text += "        HealthApi {},\n    )\n}\n";
        let text = route(&text, "books::BooksApi", "BooksApi {}").expect("a place");
        let (first, rest) = text.split_once("),\n        BooksApi {},\n").expect("two tuples");
        assert_eq!(first.matches("Number").count(), LARGEST_TUPLE - 1, "{text}");
        assert!(rest.starts_with("        HealthApi {},\n    )\n}"), "{text}");
    }
}
