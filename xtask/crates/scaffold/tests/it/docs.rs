//! Compares the code blocks in `docs/adding-a-resource.md` with the generator's output.

use std::{fs, path::Path};

use super::Root;

#[test]
fn code_blocks_in_the_docs_match_generated_files() {
    let root = Root::new();
    let files = root.create("note text:text").expect("a resource");
    let written: Vec<_> = files.iter().map(|path| root.read(path)).collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/adding-a-resource.md");
    let page = fs::read_to_string(page).expect("the page");
    let blocks: Vec<_> = ["```rust\n", "```sql\n"]
        .iter()
        .flat_map(|fence| page.split(fence).skip(1))
        .map(|rest| rest.split("```").next().unwrap_or_default())
        // A block with an ellipsis is shortened, so it differs from the generated code.
        .filter(|block| !block.contains('…'))
        .collect();
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    for block in blocks {
        let is_written = written.iter().any(|text| text.contains(block.trim_end()));
        assert!(is_written, "not in the generated files:\n{block}");
    }
}
