//! `cargo xtask init` turns a clone of the template into a new project.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::harness::{Checkout, Stack, ask, run};

pub(crate) fn init_creates_a_renamed_project_with_one_commit(stack: &Stack) {
    let copy = Checkout::new(stack.engine);
    let git = |words: &str| copy.git(words);
    let init = |name: &str| run(copy.xtask(&format!("init {name}")).args(["--holder", "Ada Ltd"]));
    init("order_service").failed().prints("not a git checkout");

    copy.commit();
    for words in
        ["commit --quiet --allow-empty --message second", "tag v1", "remote add origin ../nowhere"]
    {
        ask(&mut git(words));
    }
    init("order-service").failed().prints("lower-case letters");
    copy.write("new.txt", "an edit\n");
    init("order_service").failed().prints("not committed").prints("git stash");
    ask(&mut git("add --all"));
    ask(&mut git("commit --quiet --message third"));
    for name in ["cargo", "github", "env", "web"] {
        init(name).failed().prints("Choose another name");
    }

    init_refuses_what_git_hides(&copy);
    // `init` must remove the files of an earlier stack, and must not run git hooks of the user.
    fs::create_dir_all(copy.root.join(".slipway/bin")).expect("a folder");
    copy.write(".env", "POSTGRES_DB=slipway\nPOSTGRES_USER=slipway\n");
    let hooks = copy.root.parent().expect("a folder").join("hooks");
    fs::create_dir(&hooks).expect("a folder");
    ask(git("config core.hooksPath").arg(&hooks));
    let hook = hooks.join("reference-transaction");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").expect("a hook");
    fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).expect("a mode");
    init("order_service").failed().prints("pass --yes");
    run(copy.xtask("init order_service --yes").args(["--holder", "Ada Ltd"]))
        .succeeded()
        .prints("this project is now Order Service");
    assert_eq!(ask(&mut git("log --all --format=%s")), "Begin Order Service");
    assert_eq!(ask(&mut git("status --porcelain")), "");
    assert_eq!(ask(&mut git("tag")), "");
    assert!(!copy.root.join(".slipway").exists(), "the folder of the template's stack");
    assert_eq!(copy.read(".env"), "POSTGRES_DB=order_service\nPOSTGRES_USER=order_service\n");
    assert_eq!(ask(&mut git("branch --show-current")), "main");
    assert_eq!(ask(&mut git("remote")), "template");
    // Only the licence still contains the old name, because it must keep the copyright notice of the template.
    assert_eq!(ask(git("grep -il").arg(concat!("slip", "way"))), "LICENSE-MIT");
    assert!(copy.read("LICENSE-MIT").contains("Ada Ltd"));
    assert_no_dead_links(&copy, &ask(&mut git("ls-files *.md")));
    run(&mut copy.xtask("init other"))
        .succeeded()
        .prints("already done: this project is order_service");
}

/// Checks that `init` finds untracked files that settings hide, changes that git ignores, and another worktree.
fn init_refuses_what_git_hides(copy: &Checkout) {
    let git = |words: &str| copy.git(words);
    let refused = |text: &str| {
        run(&mut copy.xtask("init order_service --holder Ada")).failed().prints(text);
    };
    ask(&mut git("config status.showUntrackedFiles no"));
    copy.write("hidden.txt", "an edit\n");
    refused("hidden.txt");
    ask(&mut git("clean --quiet --force hidden.txt"));
    for flag in ["assume-unchanged", "skip-worktree"] {
        ask(&mut git(&format!("update-index --{flag} README.md")));
        refused("git hides changes of README.md");
        ask(&mut git(&format!("update-index --no-{flag} README.md")));
    }
    ask(&mut git("worktree add --quiet --detach ../other"));
    refused("other worktrees");
    ask(&mut git("worktree remove ../other"));
}

pub(crate) fn init_rejects_a_folder_of_another_repository(stack: &Stack) {
    let copy = Checkout::new(stack.engine);
    let around = copy.root.parent().expect("a folder");
    ask(copy.git("init --quiet").current_dir(around));
    run(&mut copy.xtask("init order_service")).failed().prints("part of another git repository");
    // `init` must ignore these variables, which git sets for its hooks.
    let mut init = copy.xtask("init order_service");
    run(init.env("GIT_DIR", around.join(".git")).env("GIT_WORK_TREE", &copy.root))
        .failed()
        .prints("part of another git repository");
    assert_eq!(ask(copy.git("log --all --format=%s").current_dir(around)), "");
}

fn assert_no_dead_links(copy: &Checkout, pages: &str) {
    for page in pages.lines() {
        let text = copy.read(page);
        assert!(!text.contains("template only"), "{page}");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let folder = copy.root.join(page);
            let target = folder.parent().expect("a parent folder").join(link);
            assert!(link.contains("://") || target.exists(), "{page}: {link}");
        }
    }
}
