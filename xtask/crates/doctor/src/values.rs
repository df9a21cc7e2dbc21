//! Checks that each variable in `.env` and in the shell is known, valid and safe.

use std::{collections::BTreeSet, env, fs, path::Path};

use config::Config;
use context::{env_file as file, settings::Settings};

use crate::{
    check_context::CheckContext,
    diagnostic::{Diagnostic, Severity, some_of},
    env_file, password,
};

/// The maximum edit distance between a misspelt name and the correct name.
const MAX_DISTANCE: usize = 2;

pub(crate) fn check(context: &CheckContext) -> Vec<Diagnostic> {
    let example =
        fs::read_to_string(context.deadline.root.join(".env.example")).unwrap_or_default();
    let text = fs::read_to_string(file::path(&context.deadline.root)).unwrap_or_default();
    let mut diagnostics = unknown(context, &example, &text);
    // Stops if a line cannot be parsed, because another check reports it.
    let Ok((settings, problems)) = Settings::parse(&context.deadline.root) else {
        return diagnostics;
    };
    let found = [
        incomplete(&settings, &example, &text),
        invalid(&settings, problems),
        known_password(&settings, &example, &text),
        certificates(&settings, &context.deadline.root),
        shadowed(&settings),
    ];
    diagnostics.extend(found.into_iter().flatten());
    diagnostics
}

/// Returns all variables that the project reads.
fn known(root: &Path, example: &str) -> BTreeSet<String> {
    let mut known: BTreeSet<_> =
        env_file::names(example).map(|(_, name)| name.to_owned()).collect();
    for file in ["docker/compose.yaml", "docker/compose.production.yaml"] {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        let end = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names = text.split("${").skip(1);
        known.extend(names.filter_map(|rest| Some(rest.get(..end(rest)?)?.to_owned())));
    }
    known
}

fn unknown(context: &CheckContext, example: &str, text: &str) -> Vec<Diagnostic> {
    let known = known(&context.deadline.root, example);
    let set: BTreeSet<_> = env_file::names(text).map(|(_, name)| name.to_owned()).collect();
    let unknown: Vec<_> = set.difference(&known).cloned().collect();
    let similar = |name: &str| {
        let missing = known.iter().filter(|known| !set.contains(*known));
        missing
            .map(|known| (strsim::osa_distance(name, known), known))
            .filter(|(distance, _)| *distance <= MAX_DISTANCE)
            .min()
            .map(|(_, known)| known.clone())
    };
    let (typos, unknown): (Vec<_>, Vec<_>) = unknown
        .into_iter()
        .map(|name| (similar(&name), name))
        .partition(|(similar, _)| similar.is_some());
    let mut diagnostics: Vec<_> =
        typos.into_iter().filter_map(|(similar, name)| Some(misspelt(name, similar?))).collect();
    if !unknown.is_empty() {
        let names: Vec<_> = unknown.into_iter().map(|(_, name)| name).collect();
        let what = format!("unknown variables in .env: {}", some_of(&names));
        let remedy = "remove the variables, unless your own code reads them";
        diagnostics.push(Diagnostic::warning("env-unknown", what, remedy));
    }
    diagnostics
}

fn misspelt(name: String, correct: String) -> Diagnostic {
    let what = format!("unknown variable {name} in .env, did you mean {correct}?");
    let remedy = format!("rename {name} to {correct} in .env");
    Diagnostic::error("env-misspelt", what, remedy).with_fix(move |project| {
        env_file::rewrite(&project.root, |text| {
            let line = |line: &str| match line.split_once('=') {
                Some((key, value)) if key.trim() == name => format!("{correct}={value}\n"),
                _ => format!("{line}\n"),
            };
            text.lines().map(line).collect()
        })?;
        Ok(format!("renamed {name} to {correct} in .env"))
    })
}

/// Finds variables of a newer `.env.example` that `.env` does not set.
fn incomplete(settings: &Settings, example: &str, text: &str) -> Option<Diagnostic> {
    let set: BTreeSet<_> = env_file::names(text).map(|(_, name)| name).collect();
    let names: Vec<_> = env_file::names(example)
        .map(|(_, name)| name.to_owned())
        .filter(|name| !set.contains(name.as_str()))
        .collect();
    if names.is_empty() || text.is_empty() {
        return None;
    }
    let what =
        format!("the defaults apply to variables that .env does not set: {}", some_of(&names));
    let remedy = "copy the lines from .env.example";
    let diagnostic = Diagnostic::warning("env-incomplete", what, remedy);
    let example = example.to_owned();
    // The new value is the default of this checkout, because the name in .env.example belongs to the template.
    let project = settings.project.clone();
    Some(diagnostic.with_fix(move |it| {
        env_file::rewrite(&it.root, |text| {
            let mut text = format!("{}\n", text.trim_end());
            for (number, name) in env_file::names(&example) {
                if name == "COMPOSE_PROJECT_NAME" && names.iter().any(|missing| missing == name) {
                    text.extend(["\n", name, "=", &project, "\n"]);
                } else if names.iter().any(|missing| missing == name) {
                    text += &paragraph(&example, number);
                }
            }
            text
        })?;
        Ok(format!("added {} to .env with the default values", some_of(&names)))
    }))
}

/// Returns an empty line and then line `number` of the example with the comment above it.
fn paragraph(example: &str, number: usize) -> String {
    let lines: Vec<_> = example.lines().collect();
    let above = lines[..number].iter().rev().take_while(|line| line.starts_with("# ")).count();
    format!("\n{}\n", lines[number - above..=number].join("\n"))
}

/// Finds values that `cargo xtask` or the server rejects.
fn invalid(settings: &Settings, mut problems: Vec<String>) -> Option<Diagnostic> {
    let lookup = |name: &str| match name {
        "DATABASE_URL" => Some(settings.database_url(settings.postgres_port)),
        _ => settings.variable(name),
    };
    let server_problems =
        Config::from_lookup(&lookup).err().map_or_else(Vec::new, |errors| errors.0);
    for config::Problem { variable, reason } in server_problems {
        if !problems.iter().any(|problem| problem.starts_with(variable)) {
            problems.push(format!("{variable} {reason}"));
        }
    }
    if settings.api_port == settings.postgres_port {
        problems.push("API_PORT and POSTGRES_PORT are the same".to_owned());
    }
    let what = problems.join("; ");
    let remedy = "correct the value in .env; .env.example describes each variable";
    (!problems.is_empty()).then(|| Diagnostic::error("env-value", what, remedy))
}

fn known_password(settings: &Settings, example: &str, text: &str) -> Option<Diagnostic> {
    let known = example.lines().find_map(|line| line.strip_prefix("POSTGRES_PASSWORD="))?;
    if settings.password != known || text.is_empty() {
        return None;
    }
    let what = "the database has the public password from .env.example";
    let remedy = "run cargo xtask doctor --fix to set a random password";
    let severity = if settings.production { Severity::Error } else { Severity::Warning };
    let diagnostic = Diagnostic::new("env-password", severity, what, remedy);
    if env::var_os("POSTGRES_PASSWORD").is_some() {
        return Some(Diagnostic { remedy: "unset POSTGRES_PASSWORD".to_owned(), ..diagnostic });
    }
    Some(diagnostic.with_fix(|project| {
        let password = file::password()?;
        // The database is changed first. If this fails, .env still contains the valid password.
        password::set(project, &password)?;
        file::set(&project.root, &[("POSTGRES_PASSWORD", &password)])?;
        Ok("set a random password in .env and in the database; \
            run cargo xtask up to restart the API with the password"
            .to_owned())
    }))
}

fn certificates(settings: &Settings, root: &Path) -> Option<Diagnostic> {
    let file = settings.variable("EXTRA_CA_FILE")?;
    let what = match fs::read_to_string(root.join(&file)) {
        Err(error) => format!("the file in EXTRA_CA_FILE, {file}, cannot be read: {error}"),
        Ok(text) if !text.contains("-----BEGIN CERTIFICATE-----") => {
            format!("the file in EXTRA_CA_FILE, {file}, contains no certificate in PEM format")
        }
        Ok(_) => return None,
    };
    let remedy = "set EXTRA_CA_FILE in .env to a file with PEM certificates, or leave it empty";
    Some(Diagnostic::error("extra-ca", what, remedy))
}

/// Finds variables of the shell, maybe of another project, that select another database or server than `.env`.
fn shadowed(settings: &Settings) -> Option<Diagnostic> {
    let names = settings.overridden();
    let what = format!("the shell overrides or adds to values of .env: {}", some_of(&names));
    let remedy = format!("unset {}", names.join(" "));
    (!names.is_empty()).then(|| Diagnostic::warning("shell", what, remedy))
}
