//! `cargo xtask init` turns a clone of the template into a new project.

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

    init("order_service").succeeded().prints("this project is now Order Service");
    assert_eq!(ask(&mut git("log --all --format=%s")), "Begin Order Service");
    assert_eq!(ask(&mut git("status --porcelain")), "");
    assert_eq!(ask(&mut git("branch --show-current")), "main");
    assert_eq!(ask(&mut git("remote")), "template");
    // The licence requires to keep the template's copyright notice.
    assert_eq!(ask(git("grep -il").arg(concat!("slip", "way"))), "LICENSE-MIT");
    assert!(copy.read("LICENSE-MIT").contains("Ada Ltd"));
    assert_no_dead_links(&copy, &ask(&mut git("ls-files *.md")));
    run(&mut copy.xtask("init other"))
        .succeeded()
        .prints("already done: this project is order_service");
}

pub(crate) fn init_rejects_a_folder_of_another_repository(stack: &Stack) {
    let copy = Checkout::new(stack.engine);
    let around = copy.root.parent().expect("a folder");
    ask(copy.git("init --quiet").current_dir(around));
    run(&mut copy.xtask("init order_service")).failed().prints("part of another git repository");
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
