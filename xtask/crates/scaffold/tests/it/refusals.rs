//! Tests that invalid arguments are rejected with a helpful message.

use crate::Root;

/// Returns the error of a rejected command. Checks that the command does not change any file.
fn refusal(root: &Root, command: &str) -> String {
    let before = root.files();
    let error = root.create(command).expect_err(command).to_string();
    assert!(error.contains("nothing was written"), "{error}");
    assert_eq!(root.files(), before, "{command} wrote something");
    error
}

#[test]
fn new_resource_rejects_invalid_names() {
    let root = Root::new();
    for (command, reason) in [
        ("Book a:text", "lower-case letters"),
        ("order-line a:text", "lower-case letters"),
        ("2nd a:text", "lower-case letters"),
        ("a_word_that_goes_on_and_on_and_on a:text", "longer than 30 characters"),
        ("books a:text", "looks like a plural"),
        ("sheep a:text --plural Flock", "lower-case letters"),
        ("human a:text --plural persons", "a table `persons` already exists"),
        ("doc a:text", "the server already has a path /docs"),
        ("book a:text --domain people2x-", "cannot be a crate name"),
        ("book a:text --domain type", "cannot be a crate name"),
        ("book a:text --domain bytes", "a crate `bytes` already exists"),
        ("book a:text --under authors", "there is no resource `authors`"),
        ("book a:text --search b", "there is no field `b`"),
        ("book a:int --search a", "is not a text"),
        ("book owner_id:uuid --owned", "the options already add a column `owner_id`"),
    ] {
        let error = refusal(&root, command);
        assert!(error.contains(reason), "{command}: {error}");
    }
}

#[test]
fn new_resource_rejects_invalid_fields() {
    let root = Root::new();
    for (field, reason) in [
        ("title", "NAME:TYPE"),
        ("title:", "the type `` does not exist"),
        ("title:string", "the type `string` does not exist"),
        ("Title:text", "lower-case letters"),
        ("version:int", "every resource already has the columns"),
        ("xmin:int", "PostgreSQL adds a column"),
        ("name_of_so_many_characters_that_it:text", "longer than 30 characters"),
        ("title:text(0)", "text(MAX)"),
        ("title:text(20", "must end in `)`"),
        ("title:text:uniqe", "`uniqe` is not a property"),
        ("title:text(5000)!", "at most 500 characters"),
        ("count:int[]", "only text can be a list"),
        ("price:numeric(2,3)", "numeric(DIGITS,SCALE)"),
        ("active:bool!", "cannot be unique"),
        ("details:jsonb!", "cannot be unique"),
        ("status:enum", "an enum needs values"),
        ("status:enum(one)", "at least two values"),
        ("status:enum(a,'b')", "without spaces, quotes or brackets"),
        ("status:enum(a,b,a)", "`a` is listed twice"),
        ("author:ref", "needs the plural of a resource"),
        ("author:ref(authors)", "there is no resource `authors`"),
        ("author:ref(person)", "there is no resource `person`. Did you mean `persons`?"),
        ("book:ref(books)", "Make the field optional: `book:ref(books)?`"),
        ("tags:many(persons)?", "Remove `?` and `!`"),
    ] {
        let error = refusal(&root, &format!("book {field}"));
        assert!(error.contains(reason), "{field}: {error}");
    }
    let error = refusal(&root, "book a:text a:int b:nothing");
    for reason in ["already has a field `a`", "the type `nothing` does not exist"] {
        assert!(error.contains(reason), "{error}");
    }
}
