//! Checks that each variable of `.env` and the shell is known, valid and safe.

use std::{collections::BTreeSet, env, fs, path::Path};

use config::Config;
use context::{env_file as file, settings::Settings};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, Severity, some_of},
    env_file, password,
};

/// The variables that name a database, and where a forgotten one in the shell does harm.
const OF_DATABASE: [&str; 4] =
    ["COMPOSE_PROJECT_NAME", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"];
/// So many letters may differ between what was meant and what was typed.
const TYPING_ERROR: usize = 2;

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let example =
        fs::read_to_string(context.deadline.root.join(".env.example")).unwrap_or_default();
    let text = fs::read_to_string(file::path(&context.deadline.root)).unwrap_or_default();
    let mut diagnostics = unknown(context, &example, &text);
    // A broken line is named elsewhere.
    let Ok((settings, problems)) = Settings::parse(&context.deadline.root) else {
        return diagnostics;
    };
    let of_values = [
        absent(&settings, &example, &text),
        impossible(&settings, problems),
        known_password(&settings, &example, &text),
        certificates(&settings, &context.deadline.root),
        shadowed(&text),
    ];
    diagnostics.extend(of_values.into_iter().flatten());
    diagnostics
}

/// Every variable that the project reads somewhere.
fn known(root: &Path, example: &str) -> BTreeSet<String> {
    let mut known: BTreeSet<_> =
        env_file::names(example).map(|(_, name)| name.to_owned()).collect();
    for file in ["docker/compose.yaml", "docker/compose.production.yaml"] {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        let end = |text: &str| text.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let names = text.split("${").skip(1);
        known.extend(names.filter_map(|rest| Some(rest.get(..end(rest)?)?.to_owned())));
    }
    known
}

fn unknown(context: &CheckContext, example: &str, text: &str) -> Vec<Diagnostic> {
    let known = known(&context.deadline.root, example);
    let set: BTreeSet<_> = env_file::names(text).map(|(_, name)| name.to_owned()).collect();
    let foreign: Vec<_> = set.difference(&known).cloned().collect();
    let meant = |name: &str| {
        let near = known.iter().filter(|known| !set.contains(*known));
        near.map(|known| (strsim::osa_distance(name, known), known))
            .filter(|(distance, _)| *distance <= TYPING_ERROR)
            .min()
            .map(|(_, known)| known.clone())
    };
    let (typed, foreign): (Vec<_>, Vec<_>) = foreign
        .into_iter()
        .map(|name| (meant(&name), name))
        .partition(|(meant, _)| meant.is_some());
    let mut diagnostics: Vec<_> =
        typed.into_iter().filter_map(|(meant, name)| Some(misspelt(name, meant?))).collect();
    if !foreign.is_empty() {
        let names: Vec<_> = foreign.into_iter().map(|(_, name)| name).collect();
        let what = format!("nothing reads {} of .env", some_of(&names));
        diagnostics.push(Diagnostic::warning("env-unknown", what, "remove it, if it is not yours"));
    }
    diagnostics
}

fn misspelt(name: String, meant: String) -> Diagnostic {
    let what = format!("nothing reads {name} of .env: {meant} was meant");
    let remedy = format!("call it {meant} in .env");
    Diagnostic::error("env-misspelt", what, remedy).with_fix(move |project| {
        env_file::rewrite(&project.root, |text| {
            let line = |line: &str| match line.split_once('=') {
                Some((key, value)) if key.trim() == name => format!("{meant}={value}\n"),
                _ => format!("{line}\n"),
            };
            text.lines().map(line).collect()
        })?;
        Ok(format!("{name} is called {meant} in .env now"))
    })
}

/// What a newer `.env.example` has.
fn absent(settings: &Settings, example: &str, text: &str) -> Option<Diagnostic> {
    let set: BTreeSet<_> = env_file::names(text).map(|(_, name)| name).collect();
    let names: Vec<_> = env_file::names(example)
        .map(|(_, name)| name.to_owned())
        .filter(|name| !set.contains(name.as_str()))
        .collect();
    if names.is_empty() || text.is_empty() {
        return None;
    }
    let what = format!("{} of .env.example is not in .env: the default is used", some_of(&names));
    let diagnostic = Diagnostic::warning("env-incomplete", what, "copy its line from .env.example");
    let example = example.to_owned();
    // In the example this is the template's own, and not what is used without it.
    let project = settings.project.clone();
    Some(diagnostic.with_fix(move |it| {
        env_file::rewrite(&it.root, |text| {
            let mut text = format!("{}\n", text.trim_end());
            for (number, name) in env_file::names(&example) {
                if name == "COMPOSE_PROJECT_NAME" && names.iter().any(|absent| absent == name) {
                    text.extend(["\n", name, "=", &project, "\n"]);
                } else if names.iter().any(|absent| absent == name) {
                    text += &paragraph(&example, number);
                }
            }
            text
        })?;
        Ok(format!("added {} to .env, with the default", some_of(&names)))
    }))
}

/// A line of the example, after an empty line and the comment above it.
fn paragraph(example: &str, number: usize) -> String {
    let lines: Vec<_> = example.lines().collect();
    let above = lines[..number].iter().rev().take_while(|line| line.starts_with("# ")).count();
    format!("\n{}\n", lines[number - above..=number].join("\n"))
}

/// By the rules of `cargo xtask` and of the server.
fn impossible(settings: &Settings, mut problems: Vec<String>) -> Option<Diagnostic> {
    let lookup = |name: &str| match name {
        "DATABASE_URL" => Some(settings.database_url(settings.postgres_port)),
        _ => settings.variable(name),
    };
    let of_server = Config::from_lookup(&lookup).err().map_or_else(Vec::new, |errors| errors.0);
    for config::Problem { variable, reason } in of_server {
        if !problems.iter().any(|problem| problem.starts_with(variable)) {
            problems.push(format!("{variable} {reason}"));
        }
    }
    if settings.api_port == settings.postgres_port {
        problems.push("API_PORT and POSTGRES_PORT are the same".to_owned());
    }
    let what = problems.join("; ");
    let remedy = "correct it in .env: .env.example explains each variable";
    (!problems.is_empty()).then(|| Diagnostic::error("env-value", what, remedy))
}

fn known_password(settings: &Settings, example: &str, text: &str) -> Option<Diagnostic> {
    let known = example.lines().find_map(|line| line.strip_prefix("POSTGRES_PASSWORD="))?;
    if settings.password != known || text.is_empty() {
        return None;
    }
    let what = "the database has the password of .env.example, which everybody knows";
    let remedy = "cargo xtask doctor --fix gives it a random one";
    let severity = if settings.production { Severity::Error } else { Severity::Warning };
    let diagnostic = Diagnostic::new("env-password", severity, what, remedy);
    if env::var_os("POSTGRES_PASSWORD").is_some() {
        return Some(Diagnostic { remedy: "unset POSTGRES_PASSWORD".to_owned(), ..diagnostic });
    }
    Some(diagnostic.with_fix(|project| {
        let password = file::password()?;
        // The database first: if that fails, .env still tells the one it has.
        password::set(project, &password)?;
        file::set(&project.root, &[("POSTGRES_PASSWORD", &password)])?;
        Ok("a random password in .env and in the database; `cargo xtask up` tells the API"
            .to_owned())
    }))
}

fn certificates(settings: &Settings, root: &Path) -> Option<Diagnostic> {
    let file = settings.variable("EXTRA_CA_FILE")?;
    let what = match fs::read_to_string(root.join(&file)) {
        Err(error) => format!("EXTRA_CA_FILE names {file}, which cannot be read: {error}"),
        Ok(text) if !text.contains("-----BEGIN CERTIFICATE-----") => {
            format!("EXTRA_CA_FILE names {file}, which holds no certificate in PEM form")
        }
        Ok(_) => return None,
    };
    let remedy = "name a file of certificates in .env, or leave EXTRA_CA_FILE empty";
    Some(Diagnostic::error("extra-ca", what, remedy))
}

fn shadowed(text: &str) -> Option<Diagnostic> {
    let differs = |name: &&&str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(**name)?.strip_prefix('='));
        let of_file = line.map(|value| value.trim().trim_matches(['"', '\'']));
        let of_shell = env::var(**name).ok().filter(|value| !value.is_empty());
        of_file.zip(of_shell).is_some_and(|(file, shell)| file != shell)
    };
    let names: Vec<_> = OF_DATABASE.iter().filter(differs).map(|name| (*name).to_owned()).collect();
    let what = format!("{} of the shell is not that of .env, and goes before it", some_of(&names));
    let remedy = format!("unset {}", names.join(" "));
    (!names.is_empty()).then(|| Diagnostic::warning("shell", what, remedy))
}
