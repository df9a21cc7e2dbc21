//! Tests the generator commands on a small checkout in a temporary folder.

mod docs;
mod refusals;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use scaffold::{NewField, NewResource, new_field, new_resource, remove_resource};

const LIBRARY: &str = "//! People.\n\nmod persons;\n\nuse web::{Api, AppState};\n\n\
    pub fn apis(state: &AppState) -> Vec<Api> {\n    vec![Api::new(persons::Persons::new(state))]\n}\n";
const ROUTES: &str = "//! Routes.\n\nfn apis(state: &AppState) -> Vec<Api> {\n    let mut apis = Vec::new();\n    \
    apis.extend(people::apis(state));\n    apis\n}\n";
const SCHEMA: &str = "CREATE TABLE accounts (\n    id uuid NOT NULL\n);\n\nCREATE TABLE persons (\n    \
    id uuid NOT NULL\n);\n\nCREATE UNIQUE INDEX accounts_email_key ON public.accounts USING btree (email);\n";
const DOCUMENT: &str = r#"{ "paths": { "/accounts": {}, "/persons": {}, "/persons/{id}": { "get": { "operationId": "getPerson" } } },
    "components": { "schemas": { "Person": {}, "Role": {}, "BookMood": {} } } }"#;

/// A temporary checkout. Dropping the value removes the files.
struct Root(PathBuf);

impl Root {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("scaffold-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = Self(std::env::temp_dir().join(name));
        for (path, text) in [
            ("Cargo.lock", "name = \"bytes\"\nname = \"people\"\n"),
            (
                "Cargo.toml",
                "[workspace.dependencies]\nconfig = 1\npeople = 1\nweb = 1\n\n# Other.\n",
            ),
            ("crates/api/Cargo.toml", "[dependencies]\npeople.workspace = true\n"),
            ("crates/api/src/routes.rs", ROUTES),
            ("crates/db/migrations/V1__create_persons.down.sql", "DROP TABLE persons;\n"),
            ("crates/db/migrations/V1__create_persons.sql", "CREATE TABLE persons (id uuid);\n"),
            ("crates/db/schema.sql", SCHEMA),
            ("crates/domains/people/src/lib.rs", LIBRARY),
            ("crates/domains/people/src/persons.rs", "//! Persons.\n"),
            ("openapi.json", DOCUMENT),
            ("rustfmt.toml", "use_small_heuristics = \"Max\"\n"),
            ("tests/e2e/headers.rs", "//! Headers.\n"),
            ("tests/e2e/main.rs", "//! Tests.\n\nmod headers;\n"),
        ] {
            root.write(path, text);
        }
        root
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Creates a resource from command-line arguments, and returns the paths of its files.
    fn create(&self, command: &str) -> anyhow::Result<Vec<String>> {
        let (plan, ..) = new_resource(&self.0, &request(command))?;
        plan.write()?;
        let written = plan.steps().into_iter().filter(|(step, _)| *step == "wrote");
        Ok(written.map(|(_, path)| path.to_owned()).collect())
    }

    fn add(&self, resource: &str, field: &str, default: Option<&str>) -> anyhow::Result<()> {
        let (resource, field) = (resource.to_owned(), field.to_owned());
        let default = default.map(str::to_owned);
        new_field(&self.0, &NewField { resource, field, default })?.write()
    }

    /// Returns the texts of all files by path.
    fn files(&self) -> BTreeMap<String, String> {
        fn collect(folder: &Path, root: &Path, files: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    collect(&path, root, files);
                } else {
                    let name =
                        path.strip_prefix(root).expect("below the root").display().to_string();
                    files.insert(name, fs::read_to_string(&path).expect("text"));
                }
            }
        }
        let mut files = BTreeMap::new();
        collect(&self.0, &self.0, &mut files);
        files
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn request(command: &str) -> NewResource {
    let mut words = command.split(' ').map(str::to_owned);
    let mut request = NewResource { name: words.next().expect("a name"), ..NewResource::default() };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--plural" => request.plural = words.next(),
            "--domain" => request.domain = words.next(),
            "--under" => request.under = words.next(),
            "--owned" => request.owned = true,
            "--search" => {
                request.search =
                    words.next().expect("fields").split(',').map(str::to_owned).collect();
            }
            _ => request.fields.push(word),
        }
    }
    request
}

#[test]
fn resource_with_one_field_has_at_most_220_lines() {
    let root = Root::new();
    let files = root.create("book title:text").expect("a resource");
    let lines: usize = files.iter().map(|path| root.read(path).lines().count()).sum();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(lines <= 220, "{lines} lines in {files:?}");
}

#[test]
fn both_field_notations_generate_the_same_files() {
    let [brackets, colons] = [
        "book a:text(9)?! b:enum(x,y)? c:ref(persons)! d:many(persons)",
        "book a:text(9):optional:unique b:enum:x,y:optional c:ref:persons! d:many:persons",
    ]
    .map(|command| {
        let root = Root::new();
        root.create(command).expect("a resource");
        root.files()
    });
    assert_eq!(brackets, colons);
}

#[test]
fn keywords_and_reserved_names_are_escaped() {
    let root = Root::new();
    root.create("order type:enum(self,Self,2nd,a-b,A+,A-) self:text? group:text limit:ref(persons)? caller:enum(a,b)")
        .expect("a resource");
    let source = root.read("crates/domains/people/src/orders.rs");
    for text in [
        "columns!(CreateOrder: r#type, self_ as \"self\", group, limit_id, caller);",
        "    #[serde(rename = \"self\")]\n    #[oai(rename = \"self\")]\n    Self_,",
        "    #[serde(rename = \"Self\")]\n    #[oai(rename = \"Self\")]\n    Self2,",
        "    Value2nd,",
        "    #[oai(name = \"type\")]\n        type_: Query<Option<OrderType>>,",
        "SELECT id, type, self, \"group\", limit_id, caller, version",
    ] {
        assert!(source.contains(text), "missing {text} in {source}");
    }
    root.create("tag name:text").expect("a resource");
    assert!(
        root.read("crates/domains/people/src/tags.rs")
            .contains("struct TagsApi(Resource<CreateTag>);")
    );
    root.create("user name:text --plural user").expect("a resource");
    let migration = root.read("crates/db/migrations/V4__create_user.sql");
    assert!(
        migration.contains("CREATE TABLE \"user\" (\n    id uuid CONSTRAINT user_pkey"),
        "{migration}"
    );
    root.create("role name:text").expect("a schema with another name");
    assert!(root.read("crates/domains/user/src/roles.rs").contains("struct CreateRoleItem {"));
    root.create("header name:text").expect("a test with another name");
    assert!(root.read("tests/e2e/main.rs").contains("mod headers;\nmod headers_resource;"));
    root.create("book mood:enum(good,bad)").expect("an enum with another name");
    assert!(root.files().values().any(|text| text.contains("enum BookMoodValue {")));
    root.create("byte a:text --domain shop").expect("a domain");
    root.create("bit a:text").expect("the same domain");
}

#[test]
fn new_domain_is_created_after_three_resources() {
    let root = Root::new();
    let domain = |command: &str| {
        let (plan, domain, _) = new_resource(&root.0, &request(command)).expect("a resource");
        plan.write().expect("a written plan");
        domain.name
    };
    let domains = ["one", "two", "byte", "three", "four", "five"]
        .map(|name| domain(&format!("{name} a:text")));
    assert_eq!(
        domains,
        ["people", "people", "bytes_domain", "bytes_domain", "bytes_domain", "fives"]
    );
    assert_eq!(domain("six a:text --domain people"), "people");
    assert_eq!(domain("seven a:text"), "sevens");
    let routes = root.read("crates/api/src/routes.rs");
    assert!(
        routes.contains("bytes_domain::apis(state));\n    apis.extend(fives::apis(state));"),
        "{routes}"
    );
}

#[test]
fn remove_resource_restores_the_checkout() {
    let root = Root::new();
    root.create("tag name:text").expect("a resource");
    let before = root.files();
    root.create(
        "book title:text author:ref(persons) tags:many(tags) --search title --domain library",
    )
    .expect("a resource");
    root.create("note text:text").expect("a resource");
    root.add("book", "editor:ref(persons)?", None).expect("a field");
    let error = remove_resource(&root.0, "tag").expect_err("books refer to it").to_string();
    assert!(error.contains("V3__create_books.sql refers to `tags`"), "{error}");
    let removal = remove_resource(&root.0, "book").expect("a removal");
    assert_eq!(removal.first_migration, 3);
    removal.plan.write().expect("a written plan");
    assert!(root.read("crates/db/migrations/V3__create_notes.sql").contains("CREATE TABLE notes"));
    remove_resource(&root.0, "notes").expect("a removal").plan.write().expect("a written plan");
    assert_eq!(root.files(), before);
}

#[test]
fn new_field_works_on_an_edited_resource() {
    let root = Root::new();
    root.create("book title:text").expect("a resource");
    let path = "crates/domains/people/src/books.rs";
    let edited = root
        .read(path)
        .replace("Line<200>", "Line<300>")
        .replace("/// The title.", "/// The title page.");
    root.write(path, &edited);
    for (field, default, reason) in [
        ("pages:int", None, "pass --default VALUE"),
        ("pages:int", Some("many"), "a value such as `1`"),
        ("pages:int?", Some("1"), "neither optional nor unique"),
        ("on:date", Some("today"), "this type does not support --default"),
        ("title:text?", None, "already has a field `title`"),
    ] {
        let error = root.add("book", field, default).expect_err(field).to_string();
        assert!(error.contains(reason), "{error}");
    }
    root.add("book", "pages:int", Some("-1")).expect("a field");
    root.add("books", "author:ref(persons)?!", None).expect("a field");
    let source = root.read(path);
    for text in [
        "/// The title page.\n    title: Line<300>,\n    /// The number of pages.\n    #[serde(default = \"pages_default\")]",
        "columns!(CreateBook: title, pages, author_id);",
        "SELECT title, pages, author_id, books.version + 1, now()",
        "self.0.list(cursor.0, limit.0, filters![author_id.0]).await",
    ] {
        assert!(source.contains(text), "missing {text} in {source}");
    }
    let migrations =
        ["V3__add_book_pages", "V4__add_book_author_id", "V5__validate_book_author_id"]
            .map(|name| root.read(&format!("crates/db/migrations/{name}.sql")));
    assert!(
        migrations[0]
            .ends_with("ALTER TABLE books ADD COLUMN pages integer NOT NULL DEFAULT -1;\n")
    );
    assert!(migrations[1].contains("NOT VALID;") && migrations[2].contains("VALIDATE CONSTRAINT"));
    assert!(
        root.read("crates/db/schema.sql")
            .contains("pages integer DEFAULT '-1'::integer NOT NULL,\n    author_id uuid,\n")
    );

    root.write(
        path,
        &source
            .replace("SELECT title, pages, author_id, books.version + 1", "SELECT title, 1, now()"),
    );
    let before = root.files();
    let error = root.add("book", "subtitle:text?", None).expect_err("an edit").to_string();
    for text in [
        path,
        "the SELECT of UPDATE",
        "    subtitle: Option<Line<200>>,",
        "ADD COLUMN subtitle text CONSTRAINT",
    ] {
        assert!(error.contains(text), "missing {text} in {error}");
    }
    assert_eq!(root.files(), before);
}
