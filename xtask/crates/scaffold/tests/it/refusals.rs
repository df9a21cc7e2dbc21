//! What is refused, with the rule.

use crate::Root;

/// Returns why a command is refused.
fn refusal(root: &Root, command: &str) -> String {
    let before = root.files();
    let error = root.create(command).expect_err(command).to_string();
    assert!(error.contains("nothing was written"), "{error}");
    assert_eq!(root.files(), before, "{command} wrote something");
    error
}

#[test]
fn bad_names_are_refused_with_the_rule() {
    let root = Root::new();
    for (command, reason) in [
        ("Book a:text", "lower-case letters"),
        ("order-line a:text", "lower-case letters"),
        ("2nd a:text", "lower-case letters"),
        ("a_word_that_goes_on_and_on_and_on a:text", "longer than 30 characters"),
        ("books a:text", "looks like a plural"),
        ("sheep a:text --plural Flock", "lower-case letters"),
        ("human a:text --plural persons", "there is a table `persons` already"),
        ("doc a:text", "the server has a path /docs already"),
        ("book a:text --domain people2x-", "not the name of a crate"),
        ("book a:text --domain type", "not the name of a crate"),
        ("book a:text --domain bytes", "there is a crate `bytes` already"),
        ("book a:text --under authors", "there is no resource `authors`"),
        ("book a:text --search b", "there is no field `b`"),
        ("book a:int --search a", "is not a text"),
        ("book owner_id:uuid --owned", "the options add a column `owner_id`"),
    ] {
        let error = refusal(&root, command);
        assert!(error.contains(reason), "{command}: {error}");
    }
}

#[test]
fn bad_fields_are_refused_with_the_rule() {
    let root = Root::new();
    for (field, reason) in [
        ("title", "NAME:TYPE"),
        ("title:", "there is no type ``"),
        ("title:string", "there is no type `string`"),
        ("Title:text", "lower-case letters"),
        ("version:int", "every resource has the columns"),
        ("xmin:int", "PostgreSQL adds a column"),
        ("name_of_so_many_characters_that_it:text", "longer than 30 characters"),
        ("title:text(0)", "text(MAX)"),
        ("title:text(20", "must end in `)`"),
        ("title:text:uniqe", "`uniqe` is not a property"),
        ("title:text(5000)!", "at most 500 characters"),
        ("count:int[]", "only text has a list"),
        ("price:numeric(2,3)", "numeric(DIGITS,SCALE)"),
        ("active:bool!", "cannot be unique"),
        ("details:jsonb!", "cannot be unique"),
        ("status:enum", "names its values"),
        ("status:enum(one)", "at least two values"),
        ("status:enum(a,'b')", "no spaces, quotes or brackets"),
        ("status:enum(a,b,a)", "`a` is given twice"),
        ("author:ref", "names a resource by its plural"),
        ("author:ref(authors)", "there is no resource `authors`"),
        ("author:ref(person)", "there is no resource `person`, but there is `persons`"),
        ("book:ref(books)", "make the field optional: `book:ref(books)?`"),
        ("tags:many(persons)?", "leave out `?` and `!`"),
    ] {
        let error = refusal(&root, &format!("book {field}"));
        assert!(error.contains(reason), "{field}: {error}");
    }
    let error = refusal(&root, "book a:text a:int b:nothing");
    for reason in ["has a field `a` already", "no type `nothing`"] {
        assert!(error.contains(reason), "{error}");
    }
}
