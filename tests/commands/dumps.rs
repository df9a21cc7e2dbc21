//! Dumps and backups.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use reqwest::blocking::Client;

use crate::harness::{Engine, Running, Stack, ask, eventually, free_port, run};

pub(crate) fn load_replaces_all_rows(stack: &Stack) {
    stack.create_person("In The Dump");
    run(&mut stack.xtask("db dump shared.sql.gz")).succeeded().prints("dumped");
    stack.create_person("After The Dump");
    run(&mut stack.xtask("db load shared.sql.gz")).failed().prints("--yes");
    assert!(stack.has_person("After The Dump"));
    run(&mut stack.xtask("db load --yes shared.sql.gz")).succeeded().prints("is at version");
    assert!(stack.has_person("In The Dump"));
    assert!(!stack.has_person("After The Dump"));
    run(&mut stack.xtask("db load --yes README.md")).failed().prints("not written by pg_dump");
    assert!(stack.has_person("In The Dump"));
    fs::remove_file(stack.root.join("shared.sql.gz")).expect("the dump");
}

/// Kills the command at different points.
pub(crate) fn a_killed_load_loses_no_rows(stack: &Stack) {
    run(&mut stack.xtask("seed --rows 20000")).succeeded();
    stack.create_person("Never Lost");
    let whole = persons(stack);
    run(&mut stack.xtask("db dump whole.dump")).succeeded();
    for milliseconds in [50, 200, 500, 1000, 1500, 2000, 3000] {
        let mut load = stack.xtask("db load --yes whole.dump");
        let mut load = load.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
        thread::sleep(Duration::from_millis(milliseconds));
        // Errors are ignored, because the command may have ended already.
        let _ = load.kill();
        load.wait().expect("a status");
        stack.up();
        assert_eq!(persons(stack), whole, "{milliseconds} ms");
    }
    run(&mut stack.xtask("db load --yes whole.dump")).succeeded();
    assert_eq!(persons(stack), whole);
    fs::remove_file(stack.root.join("whole.dump")).expect("the dump");
    run(&mut stack.xtask("recreate-db --yes")).succeeded();
}

/// Returns the number of persons. Tries again, because the process of a killed command keeps running in a container and
/// may close connections while it swaps the databases.
fn persons(stack: &Stack) -> String {
    let mut psql = stack.xtask("psql -- -XAtq");
    psql.arg("--command=SELECT count(*) FROM persons");
    eventually("the number of persons", || {
        let ran = run(&mut psql);
        let swapped = ["just been dropped or renamed", "terminating connection"];
        if swapped.iter().any(|it| ran.stderr.contains(it)) {
            return None;
        }
        Some(ran.succeeded().stdout.trim().to_owned())
    })
}

pub(crate) fn a_drill_verifies_a_backup(stack: &Stack) {
    // No store listens on this port. Backups of a development stack are not copied.
    let mut backup = stack.xtask("db backup");
    backup.envs([("BACKUP_TARGET", "s3://bucket/app"), ("BACKUP_S3_ENCRYPTION", "AES256")]);
    let backup = run(backup.env("BACKUP_S3_ENDPOINT", "http://127.0.0.1:1")).succeeded();
    backup.prints("with the same rows").prints("Pass --copy");
    run(&mut stack.xtask("db restore-drill")).succeeded().prints("with the same rows");
    let backups = fs::read_dir(stack.root.join("backups")).expect("a folder");
    // The names start with the time.
    let newest =
        backups.map(|entry| entry.expect("an entry").path()).filter(|it| it.is_dir()).max();
    let dump = newest.expect("a backup").join("database.dump");
    let mut bytes = fs::read(&dump).expect("the dump");
    bytes[4000] ^= 1;
    fs::write(&dump, bytes).expect("the dump");
    run(&mut stack.xtask("db restore-drill")).failed().prints("is corrupt");
    fs::remove_dir_all(stack.root.join("backups")).expect("the folder");
}

/// Loses the backups and the newest rows, and restores both from an S3 server.
pub(crate) fn a_backup_is_restored_from_a_store(stack: &Stack) {
    let mut moto = Command::new("moto_server");
    let port = free_port().to_string();
    let _store = Running::start(moto.args(["--host", "0.0.0.0", "--port", &port]), "");
    let bucket = format!("http://127.0.0.1:{port}/bucket");
    eventually("a bucket", || {
        Client::new().put(&bucket).send().ok().filter(|it| it.status() == 200)
    });
    let address = match stack.engine {
        Engine::Local => "127.0.0.1".to_owned(),
        // This machine, as containers reach it.
        Engine::Docker => {
            let gateway = "{{(index .IPAM.Config 0).Gateway}}";
            ask(Command::new("docker").args(["network", "inspect", "--format", gateway, "bridge"]))
        }
    };
    let key = stack.root.join("backup-key.txt");
    run(stack.command("age-keygen").arg("-o").arg(&key)).succeeded();
    let public = ask(stack.command("age-keygen").arg("-y").arg(&key));
    let xtask = |words: &str| {
        let mut command = stack.xtask(words);
        command.env("BACKUP_TARGET", "s3://bucket/app");
        command.env("BACKUP_S3_ENDPOINT", format!("http://{}:{port}", address.trim()));
        command
            .envs([("BACKUP_S3_ACCESS_KEY_ID", "id"), ("BACKUP_S3_SECRET_ACCESS_KEY", "secret")]);
        run(command.env("BACKUP_AGE_RECIPIENT", public.trim()))
    };

    stack.create_person("In The Store");
    xtask("db backup --copy").succeeded().prints("copied");
    stack.create_person("After The Copy");
    fs::remove_dir_all(stack.root.join("backups")).expect("the folder");
    let list = xtask("db fetch --list").succeeded().stdout;
    xtask("db fetch --identity backup-key.txt").succeeded().prints("fetched");
    let fetched = format!("fetched-{}", list.trim());
    xtask(&format!("db load --yes backups/{fetched}/database.dump")).succeeded();
    assert!(stack.has_person("In The Store") && !stack.has_person("After The Copy"));
    fs::remove_file(key).expect("the key");
    fs::remove_dir_all(stack.root.join("backups")).expect("the folder");
}
