//! Backups: `docker/backup/backup.sh` with the server's tools, as in the production stack.

use std::{path::Path, process::Output};

use db::admin;

use crate::harness::{Database, TestApp, Tools, config};

/// A database with sample rows, and a folder for its backups on the machine with the tools.
struct Place {
    database: Database,
    tools: Tools,
    folder: String,
}

impl Place {
    async fn of(database: Database) -> Self {
        let config = config(&database, &[("DATABASE_BACKUP_PASSWORD", "backup")]);
        migrate::seed(&config).await.expect("sample rows");
        migrate::create_roles(&config).await.expect("the role for backups");
        let mut tools = Tools::of(&database);
        tools.log_in(&database.role("backup"), "backup");
        let folder = format!("/tmp/{}", database.name);
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker/backup");
        tools.place(&scripts, &folder);
        Self { database, tools, folder }
    }

    async fn new() -> Self {
        Self::of(Database::migrated().await).await
    }

    /// Runs a shell script in the folder.
    fn try_shell(&self, script: &str) -> Output {
        let Self { database, folder, .. } = self;
        let settings = format!("export PGDATABASE={} BACKUP_KEEP=2", database.name);
        let script = format!("cd {folder} && {settings} && {script}");
        self.tools.shell(&script).output().expect("a shell")
    }

    fn shell(&self, script: &str) -> String {
        let output = self.try_shell(script);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Panics unless the script fails with `why` in its error output.
    fn fails(&self, script: &str, why: &str) {
        let output = self.try_shell(script);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(why), "{script}: {stderr}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.tools.shell(&format!("rm -rf {}", self.folder)).output();
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn each_backup_is_restored_and_only_the_newest_are_kept() {
    let place = Place::new().await;
    place.fails("sh backup.sh check", "no verified backup");
    for _ in 0..3 {
        let output = place.shell("sh backup.sh once");
        assert!(output.contains("backed up") && output.contains("with the same rows"), "{output}");
    }
    place.shell("sh backup.sh check");
    let files = place.shell("cd backups && ls -A * .lock");
    assert_eq!(files.matches("database.dump").count(), 2, "{files}");
    assert_eq!(files.matches("drilled").count(), 2, "{files}");
    let manifest = place.shell("cat backups/2*/manifest.json | head -60");
    assert!(manifest.contains(r#""rows": 12"#) && manifest.contains("sha256"), "{manifest}");
}

#[tokio::test]
#[ignore = "takes long"]
async fn drill_fails_for_every_difference_and_drops_its_database() {
    let place = Place::new().await;
    place.shell("sh backup.sh once && mkdir kept && cp -r backups/2* kept/");
    let faults = [
        ("printf x | dd of=database.dump bs=1 seek=6000 conv=notrunc", "its checksum differs"),
        ("truncate -s 5000 database.dump", "its checksum differs"),
        (r#"sed -i 's/"rows": 12/"rows": 13/' manifest.json"#, "differs from the database"),
        (r#"sed -i 's/"hash": "-*[1-9]/"hash": "/' manifest.json"#, "differs from the database"),
        ("rm manifest.json", "is not a backup"),
        (
            r#"truncate -s 5000 database.dump && sum=$(sha256sum <database.dump | cut -d ' ' -f 1) &&
            sed -i "s/\"sha256\": \"[0-9a-f]*/\"sha256\": \"$sum/" manifest.json"#,
            "cannot be restored",
        ),
    ];
    let server = place.database.server().await;
    for (fault, why) in faults {
        place.shell(&format!(
            "rm -rf backups/2* && cp -r kept/2* backups/ && cd backups/2* && {fault}"
        ));
        place.fails("sh backup.sh drill", why);
        let drill = format!("{}__drill", place.database.name);
        assert!(!admin::exists(&server, &drill).await.expect("a result"), "{fault}");
    }
}

#[tokio::test]
#[ignore = "takes long"]
async fn rows_written_during_a_backup_do_not_fail_its_drill() {
    let app = TestApp::spawn().await;
    let place = Place::of(app.database.shared()).await;
    let backup = {
        let script = format!("cd {} && sh backup.sh once", place.folder);
        let mut command =
            place.tools.shell(&format!("export PGDATABASE={}; {script}", place.database.name));
        tokio::task::spawn_blocking(move || command.output().expect("a shell"))
    };
    let mut written = 0;
    while !backup.is_finished() {
        let body = serde_json::json!({ "name": format!("Number {written}"), "emails": [] });
        let status = app.post("/persons", &body).send().await.expect("a response").status();
        assert!(status == 201 || status == 422, "{status}");
        written += 1;
    }
    let output = backup.await.expect("no panic");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && written > 10, "{written}: {stderr}");
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_failed_backup_keeps_older_backups() {
    let place = Place::new().await;
    place.shell("sh backup.sh once");
    place.fails("PGDATABASE=missing sh backup.sh once", "the backup failed");
    place.fails(
        "PATH=$PWD/broken:$PATH; mkdir broken; printf '#!/bin/sh\nexit 1\n' >broken/pg_dump; \
        chmod +x broken/pg_dump; sh backup.sh once",
        "older backups were not changed",
    );
    let left = place.shell("ls -A backups");
    assert_eq!(left.lines().count(), 2, "{left}");
    place.shell("sh backup.sh check && sh backup.sh drill");
}
