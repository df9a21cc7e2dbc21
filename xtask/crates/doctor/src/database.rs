//! Checks the database of the running stack: password, version, clock and content.

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

/// Lists the databases. The second column is `t` for databases of a test run that has ended.
/// See tests/postgres/databases.rs for the lock.
const DATABASES: &str = "SELECT datname, CASE WHEN starts_with(datname, 'e2e_') \
    THEN pg_try_advisory_lock(hashtextextended(left(datname, 37), 0)) END FROM pg_database";
const HISTORY: &str =
    "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";
/// The allowed clock difference between containers and this machine, including the query time.
const MAX_SKEW: Duration = Duration::from_secs(5);

/// The results of the queries.
struct QueryResults {
    databases: Result<String, String>,
    history: Result<String, String>,
    /// The result of a login over TCP, which the API uses.
    login: Result<(), String>,
    /// The container's clock in seconds since 1970.
    clock: Option<u64>,
}

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let Some(settings) = &context.settings else { return Vec::new() };
    let results = match context.engine() {
        Some(EngineKind::Docker) => {
            let container = context.containers().and_then(|found| found.find("postgres"));
            match container {
                Some(container) if container.state == "running" => {
                    query_container(context, settings, container)
                }
                Some(_) => return major::in_log(context).into_iter().collect(),
                None => None,
            }
        }
        Some(EngineKind::Local) => query_cluster(context, settings),
        // Someone else runs the server.
        Some(EngineKind::External) => None,
        None => return major::in_volume(context, settings).into_iter().collect(),
    };
    results.map_or_else(Vec::new, |results| diagnose(context, settings, &results))
}

/// Runs all queries with one `docker exec`, because each call is slow.
fn query_container(
    context: &CheckContext,
    settings: &Settings,
    container: &Container,
) -> Option<QueryResults> {
    // Connects to the host name, because the images do not check the password on the loopback address.
    let script = "date +%s; echo ---; \
        psql -XAt -U \"$U\" -d postgres -c \"$DATABASES\" 2>&1; echo ---; \
        psql -XAt -U \"$U\" -d \"$D\" -c \"$HISTORY\" 2>&1; echo ---; \
        psql -XAt -U \"$U\" -d postgres -h \"$(cat /etc/hostname)\" -c 'SELECT 1' 2>&1 || true";
    let mut exec = Command::new("docker");
    // The password is not an argument, because all users of this machine can see arguments.
    exec.envs([("PGPASSWORD", settings.password.as_str()), ("PGCONNECT_TIMEOUT", "1")])
        .envs([("DATABASES", DATABASES), ("HISTORY", HISTORY)])
        .envs([("U", &settings.user), ("D", &settings.database)])
        .arg("exec");
    for name in ["PGPASSWORD", "PGCONNECT_TIMEOUT", "DATABASES", "HISTORY", "U", "D"] {
        exec.args(["--env", name]);
    }
    exec.args([&container.name, "sh", "-c", script]);
    let output = context.deadline.output(&mut exec).ok()?;
    let parts: Vec<_> = output.split("---").map(str::trim).collect();
    let [clock, databases, history, login] = parts[..] else { return None };
    let result = |output: &str| {
        let has_failed = output.contains("ERROR:") || output.contains("FATAL:");
        if has_failed { Err(output.to_owned()) } else { Ok(output.to_owned()) }
    };
    Some(QueryResults {
        databases: result(databases),
        history: result(history),
        login: result(login).map(drop),
        clock: clock.parse().ok(),
    })
}

fn query_cluster(context: &CheckContext, settings: &Settings) -> Option<QueryResults> {
    let installation = postgres::find_postgres(settings).ok()?;
    let port = context.state.as_ref()?.postgres_port.to_string();
    let run = |database: &str, query: &str| {
        let mut psql = local_postgres::program(installation.program("psql"));
        psql.args(["-XAt", "--host", "127.0.0.1", "--port", &port, "--username", &settings.user])
            .args(["--dbname", database, "--command", query])
            .envs([("PGPASSWORD", settings.password.as_str()), ("PGCONNECT_TIMEOUT", "1")]);
        context.deadline.output(&mut psql).map_err(|error| match error {
            ProbeError::Failed(stderr) => stderr,
            _ => "no response".to_owned(),
        })
    };
    let databases = run("postgres", DATABASES);
    Some(QueryResults {
        login: databases.as_ref().map(drop).map_err(Clone::clone),
        history: if databases.is_ok() {
            run(&settings.database, HISTORY)
        } else {
            Err(String::new())
        },
        databases,
        clock: None,
    })
}

fn diagnose(
    context: &CheckContext,
    settings: &Settings,
    results: &QueryResults,
) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> =
        [login(settings, results), skew(results.clock)].into_iter().flatten().collect();
    let Ok(databases) = &results.databases else { return diagnostics };
    let databases: Vec<_> = databases.lines().filter_map(|line| line.split_once('|')).collect();
    diagnostics.extend(leftover_databases(settings, &databases));
    if databases.iter().all(|(name, _)| *name != settings.database) {
        diagnostics.push(missing(settings));
    } else if let Some(history) = history(&results.history) {
        diagnostics.extend(schema::compare(&context.deadline.root, &history, settings.production));
    }
    diagnostics
}

/// Returns the rows of `refinery_schema_history`. Before the first migration there are no rows.
fn history(result: &Result<String, String>) -> Option<String> {
    match result {
        Ok(rows) => Some(rows.clone()),
        Err(error) if error.contains("does not exist") => Some(String::new()),
        Err(_) => None,
    }
}

fn login(settings: &Settings, results: &QueryResults) -> Option<Diagnostic> {
    let user = &settings.user;
    let error = results.databases.as_ref().err().or(results.login.as_ref().err())?;
    if error.contains("role") && error.contains("does not exist") {
        let what = format!("the database was created with another user, so {user} does not exist");
        let remedy = "restore the previous POSTGRES_USER in .env";
        return Some(Diagnostic::error("database-role", what, remedy));
    }
    if !error.contains("password authentication failed") {
        return None;
    }
    let what = "the database still has a different password than .env";
    let remedy = "restore the previous POSTGRES_PASSWORD in .env, or run cargo xtask doctor --fix";
    Some(Diagnostic::error("database-password", what, remedy).with_fix(|project| {
        password::set(project, &project.settings()?.password)?;
        Ok("changed the password of the database to the one in .env; run cargo xtask up".to_owned())
    }))
}

/// Compares the clock of the containers, which is the clock of Docker's machine, with this machine.
fn skew(clock: Option<u64>) -> Option<Diagnostic> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let skew = Duration::from_secs(clock?).abs_diff(now);
    let what =
        format!("the clocks of the containers and this machine are {} s apart", skew.as_secs());
    let remedy = if cfg!(target_os = "linux") {
        "sudo timedatectl set-ntp true"
    } else {
        "restart Docker Desktop"
    };
    (skew > MAX_SKEW).then(|| Diagnostic::error("clock", what, remedy))
}

fn missing(settings: &Settings) -> Diagnostic {
    let what = format!("the database {} does not exist", settings.database);
    let diagnostic = Diagnostic::error("database-missing", what, "cargo xtask up");
    if settings.production {
        return diagnostic;
    }
    diagnostic.with_fix(|project| schema::migrate(project, &["up", "--seed"]))
}

/// Finds databases that killed test runs, or killed commands such as `recreate-db`, left behind.
fn leftover_databases(settings: &Settings, databases: &[(&str, &str)]) -> Option<Diagnostic> {
    let temporary = ["fresh", "replaced", "loaded", "dry_run", "schema"]
        .map(|suffix| format!("{}__{suffix}", settings.database));
    let is_leftover = |(name, has_ended): &&(&str, &str)| {
        *has_ended == "t" || temporary.iter().any(|temporary| temporary == name)
    };
    let names: Vec<_> =
        databases.iter().filter(is_leftover).map(|(name, _)| (*name).to_owned()).collect();
    if names.is_empty() {
        return None;
    }
    let what = format!("a killed test run or command left databases behind: {}", some_of(&names));
    let remedy = format!("cargo xtask psql -- -c 'DROP DATABASE \"{}\"'", names[0]);
    Some(Diagnostic::warning("test-databases", what, remedy).with_fix(move |project| {
        let (engine, _) = engine::current(project)?;
        for name in &names {
            let drop = format!("DROP DATABASE IF EXISTS \"{name}\"");
            process::run(
                &mut engine.psql(&["-Xq".to_owned(), format!("--command={drop}")], false)?,
            )?;
        }
        Ok(format!("dropped {}", some_of(&names)))
    }))
}
