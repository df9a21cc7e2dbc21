//! Edits the files that list modules, resources and domains. Each function returns `None` if the file does not have the
//! expected form.

use naming::ident;

/// Adds `mod things;`. rustfmt sorts the modules later.
pub(crate) fn add_module(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("mod ") || line.starts_with("pub mod "));
    let at = match line {
        Some(line) => text.find(line)?,
        None => text.find("\nuse ")? + 1,
    };
    let blank = if line.is_some() { "" } else { "\n" };
    Some(insert(text, at, &format!("mod {};\n{blank}", ident(name))))
}

pub(crate) fn remove_module(text: &str, name: &str) -> Option<String> {
    remove_line(text, &format!("mod {};", ident(name)))
}

/// Adds `things::Things` to the list that a domain's `apis` returns.
pub(crate) fn add_api(text: &str, api: &str) -> Option<String> {
    let (start, end) = apis(text)?;
    let list = text[start..end].trim_end();
    let separator = if list.is_empty() || list.ends_with(',') { "" } else { "," };
    let list = format!("{list}{separator} Api::new({api}::new(state)),");
    Some(format!("{}{list}{}", &text[..start], &text[end..]))
}

/// Removes the API of a module.
pub(crate) fn remove_api(text: &str, module: &str) -> Option<String> {
    let (start, end) = apis(text)?;
    let call = format!("Api::new({module}::");
    let at = start + text[start..end].find(&call)?;
    let rest = text[at..].split_once("::new(state))")?.1.trim_start_matches(',').trim_start();
    Some(format!("{}{rest}", &text[..at]))
}

/// Returns the byte range of the list elements.
fn apis(text: &str) -> Option<(usize, usize)> {
    let start = text.find("vec![")? + "vec![".len();
    Some((start, start + text[start..].find(']')?))
}

/// Adds a line to the sorted lines after `head`.
pub(crate) fn add_sorted(text: &str, head: &str, line: &str) -> Option<String> {
    let start = text.find(head)? + head.len();
    let lines = text[start..].split_inclusive('\n').take_while(|other| !other.trim().is_empty());
    let before = lines.take_while(|other| other.trim() < line || other.starts_with('#'));
    let at = start + before.map(str::len).sum::<usize>();
    Some(insert(text, at, &format!("{line}\n")))
}

/// Adds a line after the last occurrence of `end`.
pub(crate) fn add_after(text: &str, end: &str, line: &str) -> Option<String> {
    let at = text.rfind(end)? + end.len();
    Some(insert(text, at, line))
}

pub(crate) fn remove_line(text: &str, line: &str) -> Option<String> {
    let is_line = |other: &&str| other.trim() == line;
    text.lines().find(is_line)?;
    Some(text.split_inclusive('\n').filter(|other| !is_line(other)).collect())
}

fn insert(text: &str, at: usize, line: &str) -> String {
    format!("{}{line}{}", &text[..at], &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remove_reverts_add() {
        let domain = "//! A.\n\nmod a;\n\nfn apis() {\n    vec![Api::new(a::A::new(state))]\n}\n";
        let added = add_api(&add_module(domain, "type").expect("a module"), "r#type::Type")
            .expect("a list");
        assert!(
            added.contains("mod r#type;\nmod a;")
                && added.contains("::new(state)), Api::new(r#type"),
            "{added}"
        );
        let removed = remove_api(&remove_module(&added, "type").expect("a module"), "r#type")
            .expect("an API");
        assert_eq!(removed.replace(", ]", "]"), domain);
        let manifest = "[dependencies]\na = 1\nweb = 1\n\n[lints]\n";
        let added = add_sorted(manifest, "[dependencies]\n", "b = 1").expect("a head");
        assert!(added.contains("a = 1\nb = 1\nweb"), "{added}");
        assert_eq!(remove_line(&added, "b = 1").as_deref(), Some(manifest));
    }
}
