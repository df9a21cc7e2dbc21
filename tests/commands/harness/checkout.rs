//! A copy of the repository, like a fresh clone with the uncommitted edits.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tempfile::TempDir;

use super::{Engine, ask, interrupt, run};

/// Variables of the developer's shell that must not reach a copy.
const REMOVED: [&str; 9] = [
    "API_PORT",
    "APP_ENV",
    "COMPOSE_PROJECT_NAME",
    "DATABASE_URL",
    "ENGINE",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_PORT",
    "POSTGRES_USER",
];

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Returns the build folder of all copies, which compiles dependencies only once. The repository has its own folder,
/// because cargo would not notice that a test of the repository was compiled from a copy.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands")
}

/// The task runner.
static XTASK: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--locked", "--package", "xtask"]).current_dir(repository());
    run(build.env("CARGO_TARGET_DIR", target())).succeeded();
    target().join("debug/xtask")
});

/// A copy of the repository. Dropping it removes its processes, data and images.
pub(crate) struct Checkout {
    pub(crate) root: PathBuf,
    pub(crate) engine: Engine,
    /// Environment variables of its commands, in addition to the environment of this process.
    pub(crate) environment: BTreeMap<&'static str, String>,
    _folder: TempDir,
}

impl Checkout {
    /// Creates a copy whose stack uses `engine` and free ports.
    pub(crate) fn new(engine: Engine) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slipway ")
            // PostgreSQL runs as another user if root runs the tests, and this user needs access to the folder.
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let root = folder.path().join("My App");
        copy_repository(&root);
        let environment = BTreeMap::from([
            ("ENGINE", engine.as_str().to_owned()),
            ("API_PORT", free_port().to_string()),
            ("POSTGRES_PORT", free_port().to_string()),
        ]);
        Self { root, engine, environment, _folder: folder }
    }

    /// Returns a git command in the copy.
    pub(crate) fn git(&self, words: &str) -> Command {
        let mut command = self.command("git");
        command.args(words.split_whitespace());
        command
    }

    /// Makes the copy a git repository with one commit.
    pub(crate) fn commit(&self) {
        for words in [
            "init --quiet --initial-branch trunk",
            "config user.name Ada",
            "config user.email ada@example.com",
            "add --all",
            "commit --quiet --message first",
        ] {
            ask(&mut self.git(words));
        }
    }

    /// Returns a command in the copy.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for name in REMOVED {
            command.env_remove(name);
        }
        command
            .env("CARGO_TARGET_DIR", target())
            .env("NO_COLOR", "1")
            .envs(&self.environment)
            .current_dir(&self.root);
        command
    }

    /// Returns a `cargo xtask` command with these arguments.
    pub(crate) fn xtask(&self, words: &str) -> Command {
        let mut command = self.command(&*XTASK);
        command.env("CARGO_MANIFEST_DIR", self.root.join("xtask")).args(words.split_whitespace());
        command
    }

    /// Returns a cargo command.
    pub(crate) fn cargo(&self, words: &str) -> Command {
        let mut command = self.command("cargo");
        command.args(words.split_whitespace());
        command
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.root.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Returns the number of the newest migration.
    pub(crate) fn schema_version(&self) -> usize {
        let files = fs::read_dir(self.root.join("crates/db/migrations")).expect("the migrations");
        let names =
            files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
        names.filter(|name| !name.ends_with(".down.sql")).count()
    }

    /// Returns the value of a variable in `.env`.
    pub(crate) fn variable(&self, name: &str) -> String {
        let text = self.read(".env");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name} is not in .env")).to_owned()
    }

    /// Returns the image of the database. The shell's variable takes precedence over `.env`.
    pub(crate) fn postgres_image(&self) -> String {
        std::env::var("POSTGRES_IMAGE").unwrap_or_else(|_| self.variable("POSTGRES_IMAGE"))
    }

    /// Changes a file until the returned value is dropped.
    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&str) -> String) -> Edit {
        let path = self.root.join(path);
        let before = fs::read_to_string(&path).ok();
        let after = change(before.as_deref().unwrap_or_default());
        assert_ne!(before.as_ref(), Some(&after), "{} was not changed", path.display());
        fs::write(&path, after).expect("a writable file");
        Edit { path, before }
    }

    /// Returns the processes that run a program of this copy or use its data.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mut system = System::new().expect("the processes of this machine");
        let what = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let root = self.root.to_string_lossy();
        let lines = system.processes().values().map(|process| {
            let words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
            format!("{} {}", process.pid(), words.join(" "))
        });
        lines.filter(|line| line.contains(&*root)).collect()
    }

    /// Returns Docker's objects of this copy. `kind` is `container`, `volume`, `network` or `image`.
    pub(crate) fn docker_has(&self, kind: &str) -> Vec<String> {
        let project = self.variable("COMPOSE_PROJECT_NAME");
        let filter = match kind {
            "image" => format!("reference={project}-*"),
            _ => format!("label=com.docker.compose.project={project}"),
        };
        let mut list = Command::new("docker");
        list.args([kind, "ls", "--quiet", "--filter", &filter]);
        if kind == "container" {
            list.arg("--all");
        }
        ask(&mut list).lines().map(str::to_owned).collect()
    }

    fn take_down(&self) {
        let down = run(&mut self.xtask("down --volumes --yes --production"));
        if self.engine == Engine::Docker {
            let images = self.docker_has("image");
            if !images.is_empty() {
                run(Command::new("docker").args(["image", "rm", "--force"]).args(images));
            }
        }
        // A second panic would hide the message of the first panic.
        if !std::thread::panicking() {
            down.succeeded();
            assert_eq!(self.processes(), [""; 0], "processes of the copy are still running");
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if !self.root.join(".env").exists() {
            // No command has started anything in this copy, because every start creates `.env`.
            return;
        }
        interrupt::clean_up(|| self.take_down());
    }
}

/// Undoes an edit when it is dropped.
pub(crate) struct Edit {
    path: PathBuf,
    before: Option<String>,
}

impl Drop for Edit {
    fn drop(&mut self) {
        let _ = match &self.before {
            Some(text) => fs::write(&self.path, text),
            None => fs::remove_file(&self.path),
        };
    }
}

/// Copies tracked files and new files that git does not ignore.
fn copy_repository(root: &Path) {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let files = ask(list.current_dir(repository()));
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (repository().join(file), root.join(file));
        // git still lists this file, because its deletion is not committed.
        if !from.exists() {
            continue;
        }
        fs::create_dir_all(to.parent().expect("a parent folder")).expect("a folder");
        fs::copy(&from, &to).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

/// Returns an unused port below the range of ephemeral ports.
pub(crate) fn free_port() -> u16 {
    use std::{
        net::TcpListener,
        sync::atomic::{AtomicU16, Ordering},
    };
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Each engine has its own port range, because the tests of both engines may run at the same time.
    let start = match Engine::requested() {
        Engine::Docker => 20_000,
        Engine::Local => 25_000,
    };
    let start = start + u16::try_from(std::process::id() % 5).expect("below 5") * 1000;
    loop {
        // Leaves gaps of seven ports, because `up` tries the next port if a port is in use.
        let port = start + NEXT.fetch_add(7, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
