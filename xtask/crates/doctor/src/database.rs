//! Checks of the database of a stack that is up: password, version, clock and content.

use std::{
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use context::{
    engine_kind::EngineKind,
    process::{self, ProbeError},
    settings::Settings,
};
use engine::postgres;

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, some_of},
    inventory::Container,
    major, password, schema,
};

/// Databases with, for those of a test run, whether that run is over: each holds this lock, see
/// tests/postgres/databases.rs.
const DATABASES: &str = "SELECT datname, CASE WHEN starts_with(datname, 'e2e_') \
    THEN pg_try_advisory_lock(hashtextextended(left(datname, 37), 0)) END FROM pg_database";
const HISTORY: &str =
    "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";
/// What containers may be ahead or behind, the time that asking takes included.
const SKEW: Duration = Duration::from_secs(5);

/// What the server says, or why it does not.
struct Answers {
    databases: Result<String, String>,
    history: Result<String, String>,
    /// Logging in over TCP, as the API does.
    login: Result<(), String>,
    /// Seconds since 1970 by the clock of the container.
    clock: Option<u64>,
}

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let Some(settings) = &context.settings else { return Vec::new() };
    let answers = match context.engine() {
        Some(EngineKind::Docker) => {
            let container = context.containers().and_then(|found| found.find("postgres"));
            match container {
                Some(container) if container.state == "running" => {
                    of_container(context, settings, container)
                }
                Some(_) => return major::in_log(context).into_iter().collect(),
                None => None,
            }
        }
        Some(EngineKind::Local) => of_cluster(context, settings),
        None => return major::in_volume(context, settings).into_iter().collect(),
    };
    answers.map_or_else(Vec::new, |answers| judge(context, settings, &answers))
}

/// One call for all questions: each would take a tenth of a second.
fn of_container(
    context: &CheckContext,
    settings: &Settings,
    container: &Container,
) -> Option<Answers> {
    // The images let nobody in over TCP without a password, except from the container's own loopback.
    let script = "date +%s; echo ---; \
        psql -XAt -U \"$U\" -d postgres -c \"$DATABASES\" 2>&1; echo ---; \
        psql -XAt -U \"$U\" -d \"$D\" -c \"$HISTORY\" 2>&1; echo ---; \
        psql -XAt -U \"$U\" -d postgres -h \"$(cat /etc/hostname)\" -c 'SELECT 1' 2>&1 || true";
    let mut exec = Command::new("docker");
    // Not in the arguments, which every user of this machine can see.
    exec.envs([("PGPASSWORD", settings.password.as_str()), ("PGCONNECT_TIMEOUT", "1")])
        .envs([("DATABASES", DATABASES), ("HISTORY", HISTORY)])
        .envs([("U", &settings.user), ("D", &settings.database)])
        .arg("exec");
    for name in ["PGPASSWORD", "PGCONNECT_TIMEOUT", "DATABASES", "HISTORY", "U", "D"] {
        exec.args(["--env", name]);
    }
    exec.args([&container.name, "sh", "-c", script]);
    let said = context.deadline.output(&mut exec).ok()?;
    let parts: Vec<_> = said.split("---").map(str::trim).collect();
    let [clock, databases, history, login] = parts[..] else { return None };
    let failed = |said: &str| said.contains("ERROR:") || said.contains("FATAL:");
    let answer = |said: &str| {
        let text = said.to_owned();
        if failed(said) { Err(text) } else { Ok(text) }
    };
    Some(Answers {
        databases: answer(databases),
        history: answer(history),
        login: answer(login).map(drop),
        clock: clock.parse().ok(),
    })
}

fn of_cluster(context: &CheckContext, settings: &Settings) -> Option<Answers> {
    let installation = postgres::find_postgres(settings).ok()?;
    let port = context.state.as_ref()?.postgres_port.to_string();
    let ask = |database: &str, statement: &str| {
        let mut psql = Command::new(installation.program("psql"));
        psql.args(["-XAt", "--host", "127.0.0.1", "--port", &port, "--username", &settings.user])
            .args(["--dbname", database, "--command", statement])
            .envs([("PGPASSWORD", settings.password.as_str()), ("PGCONNECT_TIMEOUT", "1")]);
        context.deadline.output(&mut psql).map_err(|error| match error {
            ProbeError::Failed(said) => said,
            _ => "no answer".to_owned(),
        })
    };
    let databases = ask("postgres", DATABASES);
    Some(Answers {
        login: databases.as_ref().map(drop).map_err(Clone::clone),
        history: if databases.is_ok() {
            ask(&settings.database, HISTORY)
        } else {
            Err(String::new())
        },
        databases,
        clock: None,
    })
}

fn judge(context: &CheckContext, settings: &Settings, answers: &Answers) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> =
        [login(settings, answers), skew(answers.clock)].into_iter().flatten().collect();
    let Ok(databases) = &answers.databases else { return diagnostics };
    let databases: Vec<_> = databases.lines().filter_map(|line| line.split_once('|')).collect();
    diagnostics.extend(left_by_tests(settings, &databases));
    if databases.iter().all(|(name, _)| *name != settings.database) {
        diagnostics.push(missing(settings));
    } else if let Some(history) = history(&answers.history) {
        diagnostics.extend(schema::compare(&context.deadline.root, &history, settings.production));
    }
    diagnostics
}

/// What `refinery_schema_history` holds; nothing before the first migration.
fn history(answer: &Result<String, String>) -> Option<String> {
    match answer {
        Ok(rows) => Some(rows.clone()),
        Err(said) if said.contains("does not exist") => Some(String::new()),
        Err(_) => None,
    }
}

fn login(settings: &Settings, answers: &Answers) -> Option<Diagnostic> {
    let user = &settings.user;
    let said = answers.databases.as_ref().err().or(answers.login.as_ref().err())?;
    if said.contains("role") && said.contains("does not exist") {
        let what =
            format!("the database was made with another user than {user}, which it does not know");
        return Some(Diagnostic::error("database-role", what, "set POSTGRES_USER in .env back"));
    }
    if !said.contains("password authentication failed") {
        return None;
    }
    let what = "the database was made with another password than .env has, and keeps it";
    let remedy = "set POSTGRES_PASSWORD in .env back, or cargo xtask doctor --fix";
    Some(Diagnostic::error("database-password", what, remedy).with_fix(|project| {
        password::set(project, &project.settings()?.password)?;
        Ok("gave the database the password of .env; no row was touched. Now: cargo xtask up"
            .to_owned())
    }))
}

/// Containers see the clock of their engine.
fn skew(clock: Option<u64>) -> Option<Diagnostic> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let skew = Duration::from_secs(clock?).abs_diff(now);
    let what = format!("the clocks of containers and this machine are {} s apart", skew.as_secs());
    let remedy = if cfg!(target_os = "linux") {
        "sudo timedatectl set-ntp true"
    } else {
        "restart Docker Desktop"
    };
    (skew > SKEW).then(|| Diagnostic::error("clock", what, remedy))
}

fn missing(settings: &Settings) -> Diagnostic {
    let what = format!("the server has no database {}", settings.database);
    let diagnostic = Diagnostic::error("database-missing", what, "cargo xtask up");
    if settings.production {
        return diagnostic;
    }
    diagnostic.with_fix(|project| schema::migrate(project, &["up", "--seed"]))
}

/// Of runs that were killed, on a server that TEST_DATABASE_URL named, and of `recreate-db` and `migrate`.
fn left_by_tests(settings: &Settings, databases: &[(&str, &str)]) -> Option<Diagnostic> {
    let ours = ["fresh", "replaced", "loaded", "dry_run", "schema"]
        .map(|of| format!("{}__{of}", settings.database));
    let is_left =
        |(name, is_over): &&(&str, &str)| *is_over == "t" || ours.iter().any(|it| it == name);
    let names: Vec<_> =
        databases.iter().filter(is_left).map(|(name, _)| (*name).to_owned()).collect();
    if names.is_empty() {
        return None;
    }
    let what = format!("a killed test run or command has left {}", some_of(&names));
    let remedy = format!("cargo xtask psql -- -c 'DROP DATABASE \"{}\"'", names[0]);
    Some(Diagnostic::warning("test-databases", what, remedy).with_fix(move |project| {
        let (engine, _) = engine::current(project)?;
        for name in &names {
            let drop = format!("DROP DATABASE IF EXISTS \"{name}\"");
            process::run(&mut engine.psql(&["-Xq".to_owned(), format!("--command={drop}")])?)?;
        }
        Ok(format!("dropped {}", some_of(&names)))
    }))
}
