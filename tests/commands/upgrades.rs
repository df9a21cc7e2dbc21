//! Upgrades of the data to another major version of PostgreSQL.

use std::{fs, path::PathBuf, process::Command};

use crate::harness::{Checkout, Stack, ask, run};

const COUNT: &str = "SELECT count(*) || ' of ' || (current_setting('server_version_num')::int / 10000) FROM persons";

pub(crate) fn an_upgrade_keeps_every_row_and_can_be_undone(stack: &Stack) {
    let [old, new] = two_majors();
    let checkout = Checkout::new(stack.engine);
    run(&mut checkout.xtask("doctor --fix"));
    set_programs(&checkout, &old.1);
    run(&mut checkout.xtask("up")).succeeded();
    run(&mut checkout.xtask("seed --rows 2000")).succeeded();
    let persons = |major| format!("2012 of {major}");
    let found = || ask(checkout.xtask("psql -- -XAtqc").arg(COUNT));
    assert_eq!(found(), persons(old.0));

    // An unavailable version causes an error and changes nothing.
    let upgrade = |words: &str| run(&mut checkout.xtask(&format!("db upgrade {words}")));
    upgrade("--to 99").failed().prints("PostgreSQL 99 was not found").prints("Install it");
    upgrade("--to /nowhere").failed().prints("/nowhere: postgres is missing in this folder");
    upgrade("--confirm").failed().prints("no upgrade is pending");
    assert_eq!(found(), persons(old.0));

    let to = format!("--to {}", new.1.display());
    upgrade(&to).succeeded().prints("compared row for row").prints("--confirm");
    assert_eq!(found(), persons(new.0));
    upgrade(&to).failed().prints("an upgrade is pending");
    let added = "INSERT INTO persons (id, name) VALUES (gen_random_uuid(), 'On The New One')";
    run(checkout.xtask("psql -- -XAtqc").arg(added)).succeeded();

    upgrade("--back").succeeded();
    assert_eq!(found(), persons(old.0));
    upgrade("--back").succeeded();
    assert_eq!(found(), format!("2013 of {}", new.0));
    upgrade("--confirm").failed().prints("--yes");
    upgrade("--confirm --yes").succeeded().prints("removed the .slipway folder postgres");
    assert_eq!(found(), format!("2013 of {}", new.0));
    upgrade(&to).failed().prints("is not newer");
    run(&mut checkout.xtask("up")).succeeded();
}

fn set_programs(checkout: &Checkout, folder: &std::path::Path) {
    let text = checkout.read(".env");
    let line = format!("\nPG_BIN={}\n", folder.display());
    checkout.write(".env", &text.replace("\nPG_BIN=\n", &line));
}

/// Returns the oldest and the newest installed version, with their program folders.
fn two_majors() -> [(u32, PathBuf); 2] {
    // `.ci/install` installs PostgreSQL to the second of these folders.
    let places = ["/usr/lib/postgresql", "/opt/slipway/usr/lib/postgresql", "/opt/homebrew/opt"];
    let folders = places.iter().flat_map(fs::read_dir).flatten().flatten();
    let mut found: Vec<_> = folders.filter_map(|folder| major(folder.path().join("bin"))).collect();
    found.sort();
    let (Some(old), Some(new)) = (found.first(), found.last()) else {
        panic!("the test needs two major versions of PostgreSQL in {places:?}")
    };
    assert!(
        old.0 < new.0,
        "the test needs two major versions of PostgreSQL but found only {found:?}. Install another one, on Debian and \
         Ubuntu with .ci/install."
    );
    [old.clone(), new.clone()]
}

fn major(bin: PathBuf) -> Option<(u32, PathBuf)> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let output = String::from_utf8(output.stdout).ok()?;
    let version = output.split_whitespace().nth(2)?;
    Some((version.split('.').next()?.parse().ok()?, bin))
}
