//! Copies of the database: snapshots, and one for each git branch.

use serde_json::Value;

use crate::harness::{Stack, ask, run};

pub(crate) fn a_snapshot_is_restored_while_the_api_runs(stack: &Stack) {
    let api = stack.identity("api");
    stack.create_person("Kept In A Snapshot");
    run(&mut stack.xtask("db snapshot save calm")).succeeded().prints("restore calm");
    run(&mut stack.xtask("recreate-db --yes")).succeeded().prints("kept the old database");
    assert!(!stack.has_person("Kept In A Snapshot"));
    run(&mut stack.xtask("db snapshot restore calm")).succeeded().prints("restored calm");
    assert!(stack.has_person("Kept In A Snapshot"));
    assert_eq!(stack.identity("api"), api);

    run(&mut stack.xtask("db snapshot restore --no-snapshot")).failed().prints("--yes");
    let list = ask(&mut stack.xtask("db snapshot list --json"));
    let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
    for snapshot in list {
        let name = snapshot["name"].as_str().expect("a name");
        run(stack.xtask("db snapshot delete").arg(name)).succeeded();
    }
    run(&mut stack.xtask("db snapshot list")).succeeded().prints("no snapshots yet");
}

pub(crate) fn the_database_follows_the_git_branch(stack: &Stack) {
    let git = |words: &str| {
        let mut git = stack.command("git");
        git.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]);
        run(git.args(words.split(' '))).succeeded()
    };
    git("init --quiet --initial-branch main");
    git("add README.md");
    git("commit --quiet --message first");
    let setting = stack.edit(".env", |text| format!("{text}\nDATABASE_BRANCHES=git\n"));
    stack.up().prints("using the database of branch main");

    stack.create_person("On Every Branch");
    git("switch --quiet --create try-it").prints("a copy of the database of main");
    stack.create_person("On The Branch");
    git("switch --quiet main").prints("switched to the database of branch main");
    assert!(stack.has_person("On Every Branch") && !stack.has_person("On The Branch"));
    git("switch --quiet try-it").prints("switched to the database of branch try-it");
    assert!(stack.has_person("On The Branch"));
    let all = ask(&mut stack.xtask("status --all --json"));
    let all: Vec<Value> = serde_json::from_str(&all).expect("JSON");
    let root = stack.root.to_str().expect("UTF-8");
    let own = all.iter().find(|other| other["root"] == root).expect("a listed stack");
    assert_eq!((&own["branch"], &own["state"]), (&"try-it".into(), &"ready".into()));

    git("switch --quiet main");
    git("branch --quiet --delete --force try-it");
    run(&mut stack.xtask("db branch list")).succeeded().prints("no longer exist in git: try-it");
    run(&mut stack.xtask("db branch prune")).failed().prints("--yes");
    run(&mut stack.xtask("db branch prune --yes"))
        .succeeded()
        .prints("deleted the database of try-it");

    drop(setting);
    std::fs::remove_dir_all(stack.root.join(".git")).expect("the folder .git");
    stack.up();
}
