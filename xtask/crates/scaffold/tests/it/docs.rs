//! `docs/adding-a-resource.md` shows the files that the generator writes.

use std::{fs, path::Path};

use super::Root;

#[test]
fn the_page_about_resources_shows_what_the_generator_writes() {
    let root = Root::new();
    let files = root.create("note text:text").expect("a resource");
    let written: Vec<_> = files.iter().map(|path| root.read(path)).collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/adding-a-resource.md");
    let page = fs::read_to_string(page).expect("the page");
    let blocks: Vec<_> = ["```rust\n", "```sql\n"]
        .iter()
        .flat_map(|fence| page.split(fence).skip(1))
        .map(|rest| rest.split("```").next().unwrap_or_default())
        // A block with an ellipsis is a sketch.
        .filter(|block| !block.contains('…'))
        .collect();
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    for block in blocks {
        let is_written = written.iter().any(|text| text.contains(block.trim_end()));
        assert!(is_written, "the generator does not write this:\n{block}");
    }
}
