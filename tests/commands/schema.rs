//! Changing the schema: `cargo xtask migrate`.

use crate::harness::{Checkout, Stack, eventually, run};

const QUERY: &str = "ALTER TABLE persons ADD COLUMN title text;\n";
const UNDO: &str = "ALTER TABLE persons DROP COLUMN title;\n";

pub(crate) fn a_migration_is_written_applied_and_undone(stack: &Stack) {
    let version = stack.schema_version();
    let file = format!("crates/db/migrations/V{}__add_person_title.sql", version + 1);
    let down = file.replace(".sql", ".down.sql");
    run(&mut stack.xtask("migrate new title")).failed().prints("a verb and a noun");
    run(&mut stack.xtask("migrate new add_person_title")).succeeded().prints(&file).prints(&down);
    // A migration with only comments is not applied, so the API serves without it.
    stack.up();
    assert_eq!(stack.status()["schema"]["version"], version);

    stack.write(&down, UNDO);
    stack.write(&file, QUERY);
    stack.up();
    let readiness = format!("\"schema_version\":{}", version + 1);
    eventually("the migration", || stack.page("/health/ready").contains(&readiness).then_some(()));
    run(&mut stack.xtask("migrate status"))
        .succeeded()
        .prints("add_person_title")
        .prints("by 0.1.0");
    let schema = stack.edit("crates/db/schema.sql", |text| format!("-- stale\n{text}"));
    run(&mut stack.xtask("migrate schema")).succeeded().prints("wrote crates/db/schema.sql");
    assert!(stack.read("crates/db/schema.sql").contains("title text"));
    drop(schema);

    run(&mut stack.xtask("migrate down")).failed().prints("--yes");
    run(&mut stack.xtask("migrate down --yes"))
        .succeeded()
        .prints("add_person_title")
        .prints("kept");
    run(&mut stack.xtask("migrate up --dry-run"))
        .succeeded()
        .prints("ADD COLUMN title")
        .prints("blocks every write and read of persons");
    for file in [file, down] {
        std::fs::remove_file(stack.root.join(file)).expect("a file");
    }
    stack.up();
    assert_eq!(stack.status()["schema"]["version"], version);
}

pub(crate) fn migrations_that_block_or_break_the_last_release_are_found(stack: &Stack) {
    let file = format!("crates/db/migrations/V{}__drop_nickname.sql", stack.schema_version() + 1);
    let text = "ALTER TABLE persons DROP COLUMN nickname;\n";
    let copy = Checkout::new(stack.engine);
    run(&mut copy.xtask("test --previous-release")).succeeded().prints("there is no release yet");
    let git = |words: &str| run(copy.command("git").args(words.split(' '))).succeeded();
    git("init --quiet");
    git("add --all");
    git("-c user.name=Ada -c user.email=ada@example.com commit --quiet --message Begin");
    git("tag v0.0.1");
    run(&mut copy.xtask("migrate check")).succeeded().prints("no new migrations");
    let _migration = copy.edit(&file, |_| text.to_owned());
    run(&mut copy.xtask("migrate check"))
        .failed()
        .prints(format!("{file}:1: drop-column"))
        .prints("v0.0.1:crates/domains/people/src/persons.rs")
        .prints("fix: ");
    copy.write(&file, &format!("-- migrate: allow drop-column: a test\n{text}"));
    run(&mut copy.xtask("migrate check")).succeeded().prints("the new migration is safe");
}
