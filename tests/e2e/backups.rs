//! Backups: `docker/backup/backup.sh` with the server's tools, as in the production stack.

use std::{fs, path::Path, process::Output};

use db::admin;
use tokio::sync::Mutex;

use crate::harness::{Database, TestApp, Tools, config};

static ROLES: Mutex<()> = Mutex::const_new(());

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
        // All databases of a run share the role, and PostgreSQL rejects concurrent changes of a role.
        let alone = ROLES.lock().await;
        migrate::create_roles(&config).await.expect("the role for backups");
        drop(alone);
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

    /// Writes a program that shadows another one if `$PWD/bin` is in PATH.
    fn fake(&self, program: &str, script: &str) {
        let file = format!("bin/{program}");
        let write = format!("mkdir -p bin && cat >{file} <<'END'\n#!/bin/sh\n{script}\nEND\n");
        self.shell(&format!("{write}chmod +x {file}"));
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
        (
            r#"sed -i 's/"rows": 12/"rows": 13/' manifest.json"#,
            "does not contain the rows of the database",
        ),
        (
            r#"sed -i 's/"hash": "-*[1-9]/"hash": "/' manifest.json"#,
            "does not contain the rows of the database",
        ),
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
    place.fake("pg_dump", "exit 1");
    place.fails("PATH=$PWD/bin:$PATH sh backup.sh once", "older backups were not changed");
    let left = place.shell("ls -A backups");
    assert_eq!(left.lines().count(), 2, "{left}");
    place.shell("sh backup.sh check && sh backup.sh drill");
}

#[tokio::test]
#[ignore = "takes long"]
async fn only_one_rejected_backup_is_kept() {
    let place = Place::new().await;
    place.shell("sh backup.sh once");
    place.fake("pg_restore", "exit 1");
    for _ in 0..3 {
        place.fails(
            "PATH=$PWD/bin:$PATH sh backup.sh once",
            "The backup is kept as backups/rejected-",
        );
    }
    let left = place.shell("ls backups");
    assert_eq!(left.matches("rejected-").count(), 1, "{left}");
    assert_eq!(left.lines().count(), 2, "{left}");
    place.shell("sh backup.sh check");
    // An earlier version left backups that failed their drill, with final names.
    place.shell("cp -r backups/rejected-* backups/20990101T000000Z");
    place.shell("cp -r backups/rejected-* backups/20200101T000000Z");
    place.shell("sh backup.sh once");
    let left = place.shell("ls backups");
    assert!(
        left.contains("2099") && !left.contains("2020"),
        "newer than every verified one: {left}"
    );
}

#[tokio::test]
#[ignore = "takes long"]
async fn no_command_leaves_a_temporary_file() {
    let place = Place::new().await;
    let setup = "mkdir -p tmp && printf %s \"$PGPASSWORD\" >password && unset PGPASSWORD && \
        export TMPDIR=$PWD/tmp PGPASSWORD_FILE=$PWD/password";
    for command in ["check", "once", "check", "drill"] {
        // The first check fails, because there is no backup.
        place.shell(&format!(
            "{setup}; sh backup.sh {command} 2>/dev/null || [ {command} = check ]"
        ));
    }
    place.fails(&format!("{setup}; sh backup.sh drill missing"), "is not a backup");
    place.fake("pg_restore", "exit 1");
    place.fails(&format!("{setup}; PATH=$PWD/bin:$PATH sh backup.sh once"), "cannot be restored");
    let left = place.shell("ls -A tmp");
    assert_eq!(left, "");
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_full_disk_is_reported_before_the_backup() {
    let place = Place::new().await;
    place.fake("df", "echo Filesystem; echo \"disk 9999999 999 $FREE_KIB 99% /\"");
    let once = |kib: u32| format!("FREE_KIB={kib} PATH=$PWD/bin:$PATH sh backup.sh once");
    // Without a backup, the size of the database counts, which is several MiB.
    place.fails(&once(4096), "not enough space in backups: 4 MiB are free, and a backup needs");
    assert_eq!(place.shell("ls backups"), "");
    place.shell("sh backup.sh once");
    // The dump is much smaller than the database.
    place.shell(&once(4096));
    place.fails(&once(5), "Free space, move BACKUP_FOLDER to a larger disk");
    let left = place.shell("ls -A backups");
    assert_eq!(left.lines().count(), 3, "{left}");
}

#[tokio::test]
#[ignore = "takes long"]
async fn failures_are_retried_less_and_less_often() {
    let place = Place::new().await;
    // Records the seconds, and ends the service after nine tries.
    place.fake("sleep", "echo $1 >>pauses; [ $(wc -l <pauses) -lt 9 ] || kill -TERM $PPID");
    let pauses = |settings: &str| {
        let serve =
            format!("rm -f pauses; export PATH=$PWD/bin:$PATH {settings}; sh backup.sh serve");
        place.shell(&format!("{serve} >/dev/null && tr '\\n' ' ' <pauses"))
    };
    let all = pauses("PGDATABASE=missing");
    assert_eq!(all, "300 600 1200 2400 4800 9600 14400 14400 14400 ");
    let short = pauses("PGDATABASE=missing BACKUP_EVERY_HOURS=1");
    assert!(short.ends_with("2400 3600 3600 3600 3600 3600 "), "{short}");
    let unreachable = pauses("PGPORT=1");
    assert_eq!(unreachable, "10 20 40 80 160 300 300 300 300 ");
    // The next backup is due in ten minutes. Failing copies do not delay it.
    place.shell("sh backup.sh local && touch -d @$(($(date +%s) - 3000)) backups/2*/drilled");
    let copy = pauses("BACKUP_EVERY_HOURS=1 BACKUP_TARGET=invalid");
    let longest = copy.split_whitespace().map(|it| it.parse::<u32>().expect("seconds")).max();
    assert!(longest.is_some_and(|it| it <= 600), "{copy}");
}

#[tokio::test]
#[ignore = "takes long"]
async fn a_backup_holds_its_lock_without_flock() {
    let place = Place::new().await;
    // Fails if another process can take the lock during a backup.
    let path = |program| place.shell(&format!("command -v {program}")).trim().to_owned();
    let dump =
        format!("! {} -n backups/.lock true && exec {} \"$@\"", path("flock"), path("pg_dump"));
    place.fake("pg_dump", &dump);
    place.shell(
        "mkdir other && IFS=: && for it in $PATH; do ln -s $it/* other 2>&1; done; rm other/flock",
    );
    place.shell(
        "PATH=$PWD/bin:$PWD/other && ! command -v flock && sh backup.sh once && sh backup.sh drill",
    );
}

#[tokio::test]
#[ignore = "takes long"]
async fn the_commands_of_the_runbook_free_a_full_disk() {
    let place = Place::new().await;
    place.fake("pg_restore", "exit 1");
    place.fails("PATH=$PWD/bin:$PATH sh backup.sh once", "the drill failed");
    place.shell("mkdir backups/fetched-20260101T000000Z");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let page = fs::read_to_string(root.join("docs/runbook-database.md")).expect("the page");
    let commands = page.lines().filter_map(|it| it.strip_prefix("$ docker compose exec backup "));
    // The container has other paths.
    let commands: Vec<_> =
        commands.map(|it| it.replace("/backups", "backups").replace("/scripts/", "")).collect();
    assert!(commands.len() > 2, "{commands:?}");
    for command in commands {
        place.shell(&command);
    }
    // `cargo xtask db backup` runs this command.
    place.shell("sh backup.sh once");
    let left = place.shell("ls backups");
    assert!(left.starts_with('2') && left.lines().count() == 1, "{left}");
}
