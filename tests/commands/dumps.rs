//! Dumps and backups.

use std::{fs, process::Stdio, thread, time::Duration};

use crate::harness::{Stack, eventually, run};

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
    let backup = run(&mut stack.xtask("db backup")).succeeded();
    backup.prints("with the same rows");
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
