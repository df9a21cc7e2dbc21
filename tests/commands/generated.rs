//! `cargo xtask new resource`: what it writes is compiled, linted and run.

use crate::harness::{Checkout, Stack, run};

/// Every type, optional and not, unique where that can be.
const FIELDS: [&str; 19] = [
    "title:text",
    "isbn:text(20)!",
    "note:text(5)?",
    "pages:int?",
    "position:int",
    "rank:int!",
    "views:bigint",
    "price:numeric",
    "share:numeric(3,3)?!",
    "in_print:bool",
    "batch:uuid!",
    "published_on:date?",
    "sold_at:timestamptz?!",
    "details:jsonb",
    "extra:jsonb?",
    "status:enum(draft,in_print,v2)",
    "author:ref(persons)",
    "owner:ref(accounts)?",
    "category:ref(categories)!",
];

pub(crate) fn what_new_resource_writes_is_formatted_linted_and_tested(stack: &Stack) {
    let copy = Checkout::new(stack.engine);
    let new = |name: &str, fields: &[&str]| run(copy.xtask("new resource").arg(name).args(fields));
    new("category", &["title:text!", "parent:ref(categories)?"]).succeeded();
    new("book", &FIELDS).succeeded().says("crates/api/src/books.rs").says("cargo test books");
    // The smallest one, of two words.
    new("feature_flag", &["active:bool"]).succeeded();
    new("book", &["title:text"]).failed().says("there is a table `books` already");

    run(&mut copy.cargo("fmt --all --check")).succeeded();
    // The packages that the gate takes: for others, cargo would compile anew what they depend on.
    run(&mut copy.cargo("clippy --workspace --all-targets --locked -- -D warnings")).succeeded();
    let tests = "docs access tidy document objects migrate::schema migrations:: books categories feature_flags";
    run(copy.cargo(&format!("test --locked -- {tests}")).env("TEST_POSTGRES", "local"))
        .succeeded()
        .says("books::a_taken_isbn_is_a_conflict ... ok")
        .says("categories::a_needed_parent_is_not_deleted ... ok")
        .says("feature_flags::a_deleted_feature_flag_is_gone ... ok");

    the_document_is_stale_until_it_is_written(&copy);
}

/// With the binary that the tests have built.
fn the_document_is_stale_until_it_is_written(copy: &Checkout) {
    let openapi = |words: &str| {
        let mut command = copy.xtask(&format!("openapi {words} --binary"));
        run(command.arg(Checkout::gate_target().join("debug/api")))
    };
    openapi("--check").failed().says("openapi.json is stale, though nothing breaks");
    openapi("").succeeded().says("wrote openapi.json").never_says("breaks clients");
    openapi("--check").succeeded();
    let _edit = copy.edit("openapi.json", |text| text.replacen("\"/books\"", "\"/novels\"", 1));
    openapi("--check").failed().says("GET /novels is gone").says("POST /novels is gone");
}
