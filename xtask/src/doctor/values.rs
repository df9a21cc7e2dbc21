//! What `.env` and the shell set: whether each variable is known, possible and safe.

use std::{collections::BTreeSet, env, fs, path::Path};

use config::Config;

use super::{Finding, Scene, Severity, env_file, password, scene::some_of};
use crate::{env_file as file, settings::Settings};

/// The variables that name a database, and where a forgotten one in the shell does harm.
const OF_DATABASE: [&str; 4] =
    ["COMPOSE_PROJECT_NAME", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"];
/// So many letters may differ between what was meant and what was typed.
const TYPING_ERROR: usize = 2;

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    let example = fs::read_to_string(scene.root.join(".env.example")).unwrap_or_default();
    let text = fs::read_to_string(file::path(&scene.root)).unwrap_or_default();
    let mut findings = unknown(scene, &example, &text);
    // A broken line is named elsewhere.
    let Ok((settings, problems)) = Settings::parse(&scene.root) else { return findings };
    let of_values = [
        absent(&settings, &example, &text),
        impossible(&settings, problems),
        known_password(&settings, &example, &text),
        certificates(&settings, &scene.root),
        shadowed(&text),
    ];
    findings.extend(of_values.into_iter().flatten());
    findings
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

fn unknown(scene: &Scene, example: &str, text: &str) -> Vec<Finding> {
    let known = known(&scene.root, example);
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
    let mut findings: Vec<_> =
        typed.into_iter().filter_map(|(meant, name)| Some(misspelt(name, meant?))).collect();
    if !foreign.is_empty() {
        let names: Vec<_> = foreign.into_iter().map(|(_, name)| name).collect();
        let what = format!("nothing reads {} of .env", some_of(&names));
        findings.push(Finding::doubtful("env-unknown", what, "remove it, if it is not yours"));
    }
    findings
}

fn misspelt(name: String, meant: String) -> Finding {
    let what = format!("nothing reads {name} of .env: {meant} was meant");
    let remedy = format!("call it {meant} in .env");
    Finding::wrong("env-misspelt", what, remedy).mended_by(move |project| {
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
fn absent(settings: &Settings, example: &str, text: &str) -> Option<Finding> {
    let set: BTreeSet<_> = env_file::names(text).map(|(_, name)| name).collect();
    let names: Vec<_> = env_file::names(example)
        .map(|(_, name)| name.to_owned())
        .filter(|name| !set.contains(name.as_str()))
        .collect();
    if names.is_empty() || text.is_empty() {
        return None;
    }
    let what = format!("{} of .env.example is not in .env: the default is used", some_of(&names));
    let finding = Finding::doubtful("env-incomplete", what, "copy its line from .env.example");
    let example = example.to_owned();
    // In the example this is the template's own, and not what is used without it.
    let project = settings.project.clone();
    Some(finding.mended_by(move |it| {
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
fn impossible(settings: &Settings, mut problems: Vec<String>) -> Option<Finding> {
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
    (!problems.is_empty()).then(|| Finding::wrong("env-value", what, remedy))
}

fn known_password(settings: &Settings, example: &str, text: &str) -> Option<Finding> {
    let known = example.lines().find_map(|line| line.strip_prefix("POSTGRES_PASSWORD="))?;
    if settings.password != known || text.is_empty() {
        return None;
    }
    let what = "the database has the password of .env.example, which everybody knows";
    let remedy = "cargo xtask doctor --fix gives it a random one";
    let severity = if settings.production { Severity::Wrong } else { Severity::Doubtful };
    let finding = Finding::new("env-password", severity, what, remedy);
    if env::var_os("POSTGRES_PASSWORD").is_some() {
        return Some(Finding { remedy: "unset POSTGRES_PASSWORD".to_owned(), ..finding });
    }
    Some(finding.mended_by(|project| {
        let password = file::password()?;
        // The database first: if that fails, .env still tells the one it has.
        password::set(project, &password)?;
        file::set(&project.root, &[("POSTGRES_PASSWORD", &password)])?;
        Ok("a random password in .env and in the database; `cargo xtask up` tells the API"
            .to_owned())
    }))
}

fn certificates(settings: &Settings, root: &Path) -> Option<Finding> {
    let file = settings.variable("EXTRA_CA_FILE")?;
    let what = match fs::read_to_string(root.join(&file)) {
        Err(error) => format!("EXTRA_CA_FILE names {file}, which cannot be read: {error}"),
        Ok(text) if !text.contains("-----BEGIN CERTIFICATE-----") => {
            format!("EXTRA_CA_FILE names {file}, which holds no certificate in PEM form")
        }
        Ok(_) => return None,
    };
    let remedy = "name a file of certificates in .env, or leave EXTRA_CA_FILE empty";
    Some(Finding::wrong("extra-ca", what, remedy))
}

fn shadowed(text: &str) -> Option<Finding> {
    let differs = |name: &&&str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(**name)?.strip_prefix('='));
        let of_file = line.map(|value| value.trim().trim_matches(['"', '\'']));
        let of_shell = env::var(**name).ok().filter(|value| !value.is_empty());
        of_file.zip(of_shell).is_some_and(|(file, shell)| file != shell)
    };
    let names: Vec<_> = OF_DATABASE.iter().filter(differs).map(|name| (*name).to_owned()).collect();
    let what = format!("{} of the shell is not that of .env, and goes before it", some_of(&names));
    let remedy = format!("unset {}", names.join(" "));
    (!names.is_empty()).then(|| Finding::doubtful("shell", what, remedy))
}
