//! Runs the commands in the `console` blocks of README, CONTRIBUTING and docs.

use std::{fs, path::Path};

use crate::harness::{Ran, Stack, ask, run};

/// Pages and parts of commands that are not run here, with the reason.
const NOT_RUN: [(&str, &str); 27] = [
    ("docs/adding-a-resource.md", "generated.rs generates, compiles and tests resources"),
    ("docs/domains.md", "generated.rs generates resources in a new domain"),
    ("docs/kubernetes.md", "needs a cluster; tests/deploy/manifests.py checks the manifests"),
    ("docs/observability.md", "needs an image of Prometheus; tests/deploy/monitoring.py runs one"),
    ("docs/platforms.md", "needs a registry; tests/deploy/platforms.py runs both programs"),
    ("docs/point-in-time-recovery.md", "needs a deployed release; point_in_time.rs has one"),
    ("docs/production.md", "needs a server; production.rs deploys, scales and rolls back"),
    ("docs/swarm.md", "needs three machines, which tests/nightly/swarm creates"),
    (" --host ", "needs a server; production.rs and tests/nightly/run have one"),
    ("docker ", "needs a server or changes other images of this machine"),
    ("ssh ", "needs a server"),
    ("openssl ", "needs a server; tests/deploy/certificates.py runs the command"),
    ("cargo xtask scale ", "needs a deployed release; production.rs scales"),
    ("cargo xtask rollback", "needs two deployed releases; production.rs rolls back"),
    ("cargo xtask db fetch", "needs a store; dumps.rs fetches a backup"),
    ("fetched-", "needs a fetched backup; dumps.rs restores one"),
    ("age-keygen ", "dumps.rs creates a key"),
    (" --production", "needs a deployed release; production.rs and remote.rs have one"),
    ("rm -r ~/.cache", "removes a folder outside the checkout"),
    (
        "cargo xtask db upgrade ",
        "needs two versions of PostgreSQL; upgrades.rs upgrades and returns",
    ),
    ("cargo xtask init ", "own_project.rs turns a clone into a project"),
    ("git clone ", "the address is that of the reader's repository"),
    ("cargo test", "another step of CI"),
    ("cargo xtask ci", "another step of CI"),
    ("CARGO_PROFILE_DEV_DEBUG", "compiles all crates again"),
    ("migrate create-admin ", "runs in a container; `cargo xtask create-admin` runs it"),
    ("export DOCKER_HOST", "needs a server"),
];

/// Runs lines of the pages with the compiled task runner, until one fails.
const PRELUDE: &str = r#"
    set -eux
    cargo() { shift; "$XTASK" "$@"; }
"#;

/// A command of a page, and the output that the page shows.
struct Shown {
    command: String,
    output: Vec<String>,
}

pub(crate) fn commands_in_the_docs_work(stack: &Stack) {
    stack.commit();
    ask(&mut stack.git("branch --quiet --move main"));
    // The setting in docs/branches.md.
    let setting = stack.edit(".env", |text| format!("{text}\nDATABASE_BRANCHES=git\n"));
    stack.up();
    let files = [("import.sql", "DELETE FROM persons;\n")];
    let files = files.map(|(file, text)| stack.edit(file, |_| text.to_owned()));
    let api = stack.url("").replace("http://", "");
    // stdin is not a terminal, so commands cannot ask.
    let changes = [
        ("cargo xtask db load ", "cargo xtask db load --yes ".to_owned()),
        ("curl ", "curl --fail --silent --show-error ".to_owned()),
        ("localhost:5000", api),
        ("--rows 1000000", "--rows 1000".to_owned()),
        ("20261123T080042Z", "$(ls backups | tail -1)".to_owned()),
        ("$EDITOR", "true".to_owned()),
    ];
    for (page, text) in pages(stack) {
        run_page(stack, &page, &text, &changes);
    }
    drop((files, setting));
    ask(&mut stack.git("branch --quiet --delete --force try-it"));
    run(&mut stack.xtask("db branch prune --yes")).succeeded();
    ask(&mut stack.git("restore ."));
    ask(&mut stack.git("clean --quiet --force -d -x --exclude=.env --exclude=.slipway"));
    fs::remove_dir_all(stack.root.join(".git")).expect("the folder .git");
    run(&mut stack.xtask("recreate-db --yes")).succeeded();
}

/// Returns the pages that show commands, with their paths, in a fixed order.
fn pages(stack: &Stack) -> Vec<(String, String)> {
    let files = fs::read_dir(stack.root.join("docs")).expect("the pages");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
    let is_page = |name: &String| Path::new(name).extension().is_some_and(|it| it == "md");
    let docs = names.filter(is_page).map(|name| format!("docs/{name}"));
    let mut paths: Vec<_> =
        docs.chain(["README.md", "CONTRIBUTING.md"].map(str::to_owned)).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), stack.read(&path))).collect()
}

fn run_page(stack: &Stack, page: &str, text: &str, changes: &[(&str, String)]) {
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let is_run = |it: &Shown| {
            let is_named = |name: &str| page == name || it.command.contains(name);
            !NOT_RUN.iter().any(|(name, _)| is_named(name))
        };
        let shown: Vec<_> = commands(block).into_iter().filter(is_run).collect();
        if shown.is_empty() {
            continue;
        }
        let mut script = shown.iter().map(|it| it.command.as_str()).collect::<Vec<_>>().join("\n");
        for (shown, run) in changes {
            script = script.replace(shown, run);
        }
        let ran = run_script(stack, &script);
        assert!(ran.is_success(), "{page}:\n{script}\n{ran}");
        let output = without_numbers(&format!("{}{}", ran.stdout, ran.stderr));
        for line in shown.iter().flat_map(|it| &it.output) {
            assert!(output.contains(&without_numbers(line)), "{page} shows {line:?}\n{ran}");
        }
    }
}

fn run_script(stack: &Stack, script: &str) -> Ran {
    let xtask = stack.xtask("");
    let mut shell = stack.command("bash");
    shell.args(["-c", &format!("{PRELUDE}\n{script}")]);
    shell.envs(xtask.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(shell.env("XTASK", xtask.get_program()))
}

/// Returns the commands of a `console` block, and the lines between them, which are output.
fn commands(block: &str) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown { command: command.to_owned(), output: Vec::new() });
            continue;
        }
        let last = commands.last_mut().expect("a block starts with a command");
        let has_end = |end: &str| last.command.lines().skip(1).any(|line| line == end);
        let here_document =
            last.command.split_once("<<'").and_then(|(_, end)| end.split_once('\''));
        if last.command.ends_with('\\') || here_document.is_some_and(|(end, _)| !has_end(end)) {
            last.command.push('\n');
            last.command.push_str(line);
        } else {
            last.output.push(line.to_owned());
        }
    }
    commands
}

/// Replaces each number by one digit, because numbers differ between runs.
fn without_numbers(text: &str) -> String {
    let mut result = String::new();
    for c in text.chars() {
        match c {
            c if !c.is_ascii_digit() => result.push(c),
            _ if !result.ends_with('0') => result.push('0'),
            _ => {}
        }
    }
    result
}
