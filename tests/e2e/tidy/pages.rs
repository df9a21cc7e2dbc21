//! Checks the Markdown pages: links, length, and the index of `docs`.

use std::fs;

use super::{files, root};

/// The maximum number of lines of a page.
const MAX_LINES: usize = 250;
/// The maximum number of lines of the README.
const MAX_README_LINES: usize = 120;

/// Returns the lines of a page outside of its code blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Returns the anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the reason if a link of the page at `path` leads nowhere.
fn problem(path: &str, page: &str, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = root().join(path).parent().expect("a folder").join(file);
    if !target.exists() {
        return Some(format!("{path}: the file {file} does not exist"));
    }
    if heading.is_empty() {
        return None;
    }
    let text =
        if file.is_empty() { page.to_owned() } else { fs::read_to_string(target).expect("a page") };
    let mut headings = prose(&text).filter(|line| line.starts_with('#'));
    let is_there = headings.any(|line| anchor(line) == heading);
    (!is_there).then(|| format!("{path}: {link} names a heading that does not exist"))
}

/// Returns the pages of the root folder and of `docs`, with their paths.
fn pages() -> impl Iterator<Item = (String, String)> {
    let all = files("", &["md"]).into_iter();
    all.filter(|(path, _)| !path.contains('/') || path.starts_with("docs/"))
}

#[test]
fn pages_are_short() {
    for (path, page) in pages().filter(|(path, _)| path != "CHANGELOG.md") {
        let (lines, is_readme) = (page.lines().count(), path == "README.md");
        let most = if is_readme { MAX_README_LINES } else { MAX_LINES };
        assert!(lines <= most, "{path} has {lines} lines, and may have {most}");
    }
}

#[test]
fn index_links_to_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).expect("the index");
    for (path, _) in pages() {
        let Some(name) = path.strip_prefix("docs/") else { continue };
        let is_listed = index.contains(&format!("]({name})")) || name == "README.md";
        let is_record = name.starts_with("decisions/0");
        assert!(is_listed || is_record, "docs/README.md has no link to {name}");
    }
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut problems = Vec::new();
    for (path, page) in pages() {
        for line in prose(&page) {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            problems.extend(links.filter_map(|link| problem(&path, &page, link)));
        }
    }
    assert!(problems.is_empty(), "dead links:\n{}", problems.join("\n"));
}

#[test]
fn dead_links_are_reported() {
    let page = "# One, two\n```\n# three\n```\n";
    for link in ["#one-two", "../README.md", "https://example.com/nowhere"] {
        assert_eq!(problem("docs/page.md", page, link), None);
    }
    for link in ["#three", "nowhere.md", "../README.md#nowhere"] {
        assert!(problem("docs/page.md", page, link).is_some(), "{link}");
    }
}
