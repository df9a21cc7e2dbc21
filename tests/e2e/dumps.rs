//! Dumps: written and loaded with the server's tools, and loaded into a database in use.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use db::{admin, migrations};
use dumps::Dump;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Database, TestApp, Tools, config};

const REPLACED: &str = "Only Before The Load";

/// A database with the sample rows, and a folder for its dumps.
struct Source {
    database: Database,
    tools: Tools,
    folder: TempDir,
}

impl Source {
    async fn new() -> Self {
        let database = Database::migrated().await;
        migrate::seed(&config(&database, &[])).await.expect("sample rows");
        let folder = tempfile::tempdir().expect("a folder");
        Self { tools: Tools::of(&database), database, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a dump with this file name.
    fn dump(&self, name: &str) -> PathBuf {
        let (tools, path) = (self.tools.clone(), self.path(name));
        dumps::dump(&|name| tools.command(name), &self.database.name, &path).expect("a dump");
        path
    }

    fn major(&self) -> u32 {
        dumps::major(&|name| self.tools.command(name), "pg_dump").expect("a version")
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| name(entry.expect("an entry"))).collect()
    }
}

/// Does the same as `cargo xtask db load`.
async fn load(app: &TestApp, file: &Path) -> anyhow::Result<String> {
    let (config, tools) = (config(&app.database, &[]), Tools::of(&app.database));
    let dump = Dump::open(file, unpack::read)?;
    dump.check_version(dumps::major(&|name| tools.command(name), "pg_restore")?)?;
    let name = migrate::load::prepare(&config).await?;
    let load = move || dumps::load(&|name| tools.command(name), name.trim(), &dump);
    let loaded = tokio::task::spawn_blocking(load).await.expect("no panic");
    let done = match loaded {
        Ok(()) => migrate::load::finish(&config, true).await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        migrate::load::abandon(&config).await?;
    }
    done
}

/// Starts the API with one person that is in no dump.
async fn app() -> TestApp {
    let app = TestApp::spawn().await;
    let body = serde_json::json!({ "name": REPLACED, "emails": ["a@example.com"] });
    assert_eq!(app.post("/persons", &body).send().await.expect("a response").status(), 201);
    app
}

/// Returns the names of all persons, as soon as the API has reconnected.
async fn names(app: &TestApp) -> Vec<String> {
    while app.get("/health/ready").send().await.expect("a response").status() != 200 {}
    app.store_identities().await;
    let response = app.get("/persons?limit=100").send().await.expect("a response");
    let page: Value = response.json().await.expect("JSON");
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|person| person["name"].as_str().expect("a string").to_owned()).collect()
}

#[tokio::test]
#[ignore = "takes long"]
async fn each_format_is_loaded_completely_while_the_api_runs() {
    let source = Source::new().await;
    let zstd = (source.major() >= 16).then_some("a.sql.zst");
    for name in ["a.dump", "a.sql", "a.sql.gz"].into_iter().chain(zstd) {
        let file = source.dump(name);
        // The format is recognised by the content of the file, so any file name works.
        let renamed = source.path("renamed file");
        fs::rename(&file, &renamed).expect("a rename");
        let app = app().await;
        let said = load(&app, &renamed).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert!(said.contains(&format!("is at version {}", migrations::latest())), "{said}");
        let names = names(&app).await;
        assert_eq!(names.len(), 12, "{name}: {names:?}");
        assert!(names.contains(&"Ada Lovelace".to_owned()), "{name}: {names:?}");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_manually_compressed_dump_is_loaded() {
    let source = Source::new().await;
    let file = source.dump("a.dump");
    for (program, ending) in [("gzip", "gz"), ("zstd", "zst")] {
        let packed = Command::new(program).args(["--keep", "--quiet"]).arg(&file).status();
        if program == "zstd" && packed.is_err() {
            continue;
        }
        assert!(packed.expect(program).success());
        let app = app().await;
        load(&app, &source.path(&format!("a.dump.{ending}"))).await.expect("loaded");
        assert_eq!(names(&app).await.len(), 12, "{program}");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_failed_load_reports_the_cause_and_changes_nothing() {
    let source = Source::new().await;
    let whole =
        ["a.dump", "a.sql", "a.sql.gz"].map(|name| fs::read(source.dump(name)).expect(name));
    let [archive, script, packed] = &whole;
    let text = String::from_utf8(script.clone()).expect("UTF-8");
    let part = |bytes: &[u8], percent: usize| bytes[..bytes.len() * percent / 100].to_vec();
    let newer = text.replace("-- Dumped by pg_dump version 1", "-- Dumped by pg_dump version 91");
    let no_dump = "was not written by pg_dump";
    let cases = [
        (Vec::new(), "is empty"),
        (b"PK\x03\x04 a spreadsheet".to_vec(), no_dump),
        (b"DROP TABLE persons;".to_vec(), no_dump),
        (part(archive, 1), "pg_restore failed"),
        (part(archive, 60), "pg_restore failed"),
        (part(archive, 99), "pg_restore failed"),
        (part(script, 50), ""),
        // Cuts off the last lines. Every command before them succeeds, so only the missing end shows the damage.
        (
            text.split("-- PostgreSQL database dump complete").next().unwrap_or_default().into(),
            "truncated",
        ),
        (part(packed, 50), "truncated"),
        (part(packed, 99), "truncated"),
        (newer.into_bytes(), "which is newer than PostgreSQL"),
        (text.replace("COPY public.persons", "COPY public.missing").into(), "does not exist"),
    ];
    let app = app().await;
    let server = app.database.server().await;
    for (index, (bytes, why)) in cases.into_iter().enumerate() {
        let file = source.path("invalid");
        fs::write(&file, bytes).expect("a file");
        let error = load(&app, &file).await.expect_err(&format!("case {index}"));
        assert!(format!("{error:#}").contains(why), "case {index}: {error:#}");
        assert_eq!(names(&app).await, [REPLACED], "case {index}");
        let left = format!("{}__loaded", app.database.name);
        assert!(!admin::exists(&server, &left).await.expect("a response"), "case {index}");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_dump_of_another_schema_is_rejected() {
    let changes = [
        ("DROP TABLE refinery_schema_history", "from another application"),
        (
            "INSERT INTO refinery_schema_history VALUES (9999, 'make_tea', '', '')",
            "has schema version 9999",
        ),
        (
            "UPDATE refinery_schema_history SET name = 'make_tea' WHERE version = 1",
            "other migrations",
        ),
    ];
    for (change, why) in changes {
        let source = Source::new().await;
        source.database.connect().await.batch_execute(change).await.expect("a change");
        let app = app().await;
        let error = load(&app, &source.dump("a.dump")).await.expect_err(change);
        assert!(format!("{error:#}").contains(why), "{change}: {error:#}");
        assert_eq!(names(&app).await, [REPLACED], "{change}");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_load_works_after_a_killed_load() {
    let (source, app) = (Source::new().await, app().await);
    let file = source.dump("a.dump");
    let name = migrate::load::prepare(&config(&app.database, &[])).await.expect("prepared");
    let client = app.database.server().await;
    assert!(admin::exists(&client, name.trim()).await.expect("a response"));
    load(&app, &file).await.expect("loaded");
    assert_eq!(names(&app).await.len(), 12);
}

#[tokio::test]
async fn a_failed_dump_leaves_no_file() {
    let source = Source::new().await;
    let tools = source.tools.clone();
    // Tests a dump that is killed, and a dump of a missing database.
    let killed = move |name: &str| {
        let mut command = Command::new("sh");
        let real = tools.command(name);
        let script =
            r#"case "$*" in *--version) exec "$@";; esac; "$@" | head -c 1000; kill -9 $$"#;
        command.args(["-c", script, "sh"]).arg(real.get_program()).args(real.get_args());
        command.envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    let path = source.path("a.dump");
    let error = dumps::dump(&killed, &source.database.name, &path).expect_err("killed");
    assert!(error.to_string().contains("signal: 9"), "{error:#}");
    let tools = |name: &str| source.tools.command(name);
    let error = dumps::dump(&tools, "missing", &path).expect_err("no such database");
    assert!(error.to_string().contains("does not exist"), "{error:#}");
    assert_eq!(source.files(), [""; 0]);
}

#[tokio::test]
async fn a_dump_does_not_overwrite_files_and_only_its_owner_can_read_it() {
    let source = Source::new().await;
    let file = source.dump("a.dump");
    let tools = |name: &str| source.tools.command(name);
    let error = dumps::dump(&tools, &source.database.name, &file).expect_err("the file exists");
    assert!(error.to_string().contains("already exists"), "{error:#}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(source.files(), ["a.dump"]);
}
