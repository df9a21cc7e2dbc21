//! What is refused, with the reason, and what is written for what is not.

use std::path::{Path, PathBuf};

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

fn read(name: &str, plural: Option<&str>, fields: &[&str]) -> anyhow::Result<Resource> {
    let fields: Vec<_> = fields.iter().map(|&field| field.to_owned()).collect();
    Resource::read(name, plural, &fields, &root())
}

#[test]
fn a_bad_name_is_refused_with_the_rule() {
    for (name, plural, reason) in [
        ("Book", None, "small letters"),
        ("order-line", None, "small letters"),
        ("2nd", None, "small letters"),
        ("a_word_that_goes_on_and_on_and_on", None, "at most 30 characters"),
        ("books", None, "looks like a plural"),
        ("children", None, "is a plural"),
        ("hero", None, "--plural"),
        ("series", None, "--plural"),
        ("sheep", Some("sheep"), "must differ"),
        ("sheep", Some("Flock"), "small letters"),
        ("type", None, "word of Rust"),
        ("user", None, "word of PostgreSQL"),
        ("path", None, "`Path` for something else"),
        ("person", None, "there is a table `persons` already"),
        ("route", None, "there is crates/api/src/routes.rs already"),
        ("problem", None, "there is a type `Problem` already"),
        ("thing", Some("uuid"), "is a crate that"),
    ] {
        let refused = read(name, plural, &["title:text"]).map(|_| ());
        let error = refused.expect_err(name).to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

#[test]
fn a_bad_field_is_refused_with_the_rule() {
    for (field, reason) in [
        ("title", "name:type"),
        ("title:", "there is no type ``"),
        ("title:string", "there is no type `string`"),
        ("Title:text", "small letters"),
        ("type:text", "word of Rust: take another, such as `kind`"),
        ("order:int", "word of PostgreSQL"),
        ("version:int", "every resource has"),
        ("cursor:text", "`cursor`"),
        ("name_of_so_many_characters_that_it_does_not_fit_into:text", "at most"),
        ("title:text(0)", "text(MAX)"),
        ("title:text(20", "a `)` is missing"),
        ("title:text:uniqe", "`uniqe` is no constraint"),
        ("title:text(5000)!", "which an index takes"),
        ("price:numeric(2,3)", "numeric(DIGITS,SCALE)"),
        ("active:bool!", "cannot be unique"),
        ("details:jsonb!", "cannot be unique"),
        ("status:enum", "there is no type `enum`"),
        ("status:enum(one)", "2 to 30 values"),
        ("status:enum(a,B)", "2 to 30 values"),
        ("status:enum(a,b,a)", "`a` is given twice"),
        ("status:enum(is_new,is_old)", "the same word"),
        ("page:enum(left,right)", "for something else"),
        ("status:enum(self,other)", "`Self`"),
        ("author:ref(authors)", "there is no resource `authors`"),
        ("book:ref(books)", "make it optional"),
        ("book:ref(books)?!", "cannot be unique"),
        ("token:ref(tokens)", "no operation that deletes one"),
    ] {
        let error = read("book", None, &[field]).map(|_| ()).expect_err(field).to_string();
        assert!(error.contains(reason), "{field}: {error}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let refused = read("books", None, &["a:text", "a:int", "b:nothing"]).map(|_| ());
    let error = refused.expect_err("three mistakes").to_string();
    for reason in ["looks like a plural", "there is a `a` already", "no type `nothing`"] {
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn both_ways_to_spell_a_field_write_the_same() {
    let brackets = ["a:text(9)?!", "b:enum(x,y)?", "c:ref(persons)!"];
    let colons = ["a:text(9):optional:unique", "b:enum:x,y:optional", "c:ref:persons!"];
    let [brackets, colons] = [brackets, colons].map(|fields| {
        let resource = read("book", None, &fields).expect("a resource");
        changes(&resource, &root()).expect("files").files().clone()
    });
    assert_eq!(brackets, colons);
}

#[test]
fn a_resource_that_is_too_large_for_our_files_is_refused() {
    let fields: Vec<_> = (0..30).map(|number| format!("field{number}:text!")).collect();
    let resource = Resource::read("book", None, &fields, &root()).expect("a resource");
    let refused = changes(&resource, &root()).map(|_| ());
    let error = refused.expect_err("30 fields").to_string();
    assert!(error.contains("at most 300"), "{error}");
}

#[test]
fn nothing_is_left_where_a_file_cannot_be_written() {
    let folder = std::env::temp_dir().join(format!("generated-{}", std::process::id()));
    let mut changes = Changes::new(&folder);
    changes.add("a/new.rs", "new");
    changes.add("b", "a file");
    changes.add("b/c.rs", "cannot be below a file");
    let error = changes.write(&folder).expect_err("b is no folder").to_string();
    assert!(error.contains("nothing was written"), "{error}");
    std::fs::remove_dir(&folder).expect("nothing is left in it");
}

#[test]
fn names_go_where_they_belong() {
    let resource = read("order_line", None, &["amount:int"]).expect("a resource");
    let changes = changes(&resource, &root()).expect("files");
    let files = changes.files();
    let api = &files["crates/api/src/order_lines.rs"];
    for text in [
        "path = \"/order-lines/:id\"",
        "operation_id = \"updateOrderLine\"",
        "/// List order lines",
        "/// Replace an order line",
        "ApiError::NotFound(\"order line\")",
    ] {
        assert!(api.contains(text), "no {text} in {api}");
    }
    assert!(files.keys().any(|path| path.ends_with("__create_order_lines.sql")), "{files:?}");
    assert!(files["tests/e2e/docs.rs"].contains("    put /order-lines/{id} replaceOrderLine\n"));
}
