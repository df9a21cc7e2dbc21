//! Loads and validates the settings of the stack from the shell and `.env`.

mod production;

use std::{collections::HashMap, env, fs, path::Path};

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::{
    engine_kind::{EngineChoice, EngineKind},
    env_file,
    external_database::ExternalDatabase,
    report,
};

/// The settings of the stack. The shell overrides `.env`, and `.env` overrides the defaults.
pub struct Settings {
    file: HashMap<String, String>,
    /// The engine (ENGINE).
    pub engine: EngineChoice,
    /// True if APP_ENV is `production`.
    pub production: bool,
    /// True if each git branch has its own copy of the database (DATABASE_BRANCHES).
    pub database_branches: bool,
    /// The prefix of the names of containers, volumes and images (COMPOSE_PROJECT_NAME).
    pub project: String,
    /// The port of the API (API_PORT).
    pub api_port: u16,
    /// The port of the database (POSTGRES_PORT).
    pub postgres_port: u16,
    /// The user of the database (POSTGRES_USER).
    pub user: String,
    /// The password of the user (POSTGRES_PASSWORD).
    pub password: String,
    /// The name of the database (POSTGRES_DB).
    pub database: String,
    /// The image that compiles the source (RUST_IMAGE).
    pub rust_image: String,
    /// The image of PostgreSQL (POSTGRES_IMAGE).
    pub postgres_image: String,
    /// The image of nginx (NGINX_IMAGE).
    pub nginx_image: String,
    /// The image of Redis (REDIS_IMAGE).
    pub redis_image: String,
    /// The HTTP port of production (HTTP_PORT).
    pub http_port: Option<u16>,
    /// The HTTPS port of production (HTTPS_PORT).
    pub https_port: Option<u16>,
    /// The number of API replicas that a first deployment starts (API_REPLICAS).
    pub replicas: usize,
    /// True if production archives the write-ahead log (BACKUP_CONTINUOUS). False with an external database.
    pub archives: bool,
}

/// The variables of other projects that can be in a shell, and that select a database, a server or data.
const SELECTING: [&str; 15] = [
    "APP_ENV",
    "COMPOSE_PROJECT_NAME",
    "DATABASE_APPLICATION_URL",
    "DATABASE_APPLICATION_URL_FILE",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "DEPLOY_HOST",
    "PG_CLUSTER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
    "POSTGRES_VOLUME",
    "REDIS_URL",
    "REDIS_URL_FILE",
    "REGISTRY",
];

impl Settings {
    /// Returns the variables of the shell that select a database or a server, and that differ from `.env`.
    pub fn overridden(&self) -> Vec<String> {
        let differs = |name: &&str| {
            let shell = env::var(name).ok().filter(|value| !value.is_empty());
            let file = self.file.get(*name).filter(|value| !value.is_empty());
            shell.is_some_and(|shell| file != Some(&shell))
        };
        SELECTING.into_iter().filter(differs).map(str::to_owned).collect()
    }

    /// Reports variables of the shell that select another database or server than `.env`.
    pub fn report_overridden(&self) {
        let names = self.overridden().join(", ");
        if !names.is_empty() {
            report::note(&format!("the shell overrides or adds to .env: {names}"));
        }
    }

    /// Loads the settings.
    ///
    /// # Errors
    /// Some settings are invalid. The error lists all of them.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let (settings, problems) = Self::parse(root)?;
        if !problems.is_empty() {
            bail!("invalid settings in .env or the shell:\n  {}", problems.join("\n  "));
        }
        Ok(settings)
    }

    /// Returns the settings, with defaults for invalid values, and a message for each invalid value.
    pub fn parse(root: &Path) -> anyhow::Result<(Self, Vec<String>)> {
        let file = read(&env_file::path(root))?;
        let mut reader = Reader { file: &file, problems: Vec::new() };
        let project = default_project(root);
        let settings = Self {
            engine: reader.one_of("ENGINE", EngineChoice::Auto, |text| {
                EngineChoice::from_str(text, true).ok()
            }),
            production: reader.one_of("APP_ENV", false, |text| match text {
                "production" => Some(true),
                "dev" | "test" => Some(false),
                _ => None,
            }),
            database_branches: reader.one_of("DATABASE_BRANCHES", false, |text| match text {
                "git" => Some(true),
                "off" => Some(false),
                _ => None,
            }),
            project: reader.text("COMPOSE_PROJECT_NAME", &project),
            api_port: reader.port("API_PORT", 5000),
            postgres_port: reader.port("POSTGRES_PORT", 5432),
            user: reader.url_safe("POSTGRES_USER", "slipway"),
            password: reader.url_safe("POSTGRES_PASSWORD", "slipway"),
            database: reader.url_safe("POSTGRES_DB", "slipway"),
            rust_image: reader.text("RUST_IMAGE", "rust:1.95.0-slim-trixie"),
            postgres_image: reader.text("POSTGRES_IMAGE", "postgres:18"),
            nginx_image: reader.text("NGINX_IMAGE", "nginx:1.30"),
            redis_image: reader.text("REDIS_IMAGE", "redis:8.2"),
            http_port: reader.optional_port("HTTP_PORT"),
            https_port: reader.optional_port("HTTPS_PORT"),
            replicas: reader.one_of("API_REPLICAS", 2, |text| {
                text.parse().ok().filter(|number| (1..=20).contains(number))
            }),
            archives: reader.archives(),
            file: HashMap::new(),
        };
        reader.check_backup_target();
        reader.check_certificate();
        let problems = reader.problems;
        Ok((Self { file, ..settings }, problems))
    }

    /// Returns a variable of the shell or `.env`. Returns `None` if the variable is missing or empty.
    pub fn variable(&self, name: &str) -> Option<String> {
        lookup(&self.file, name)
    }

    /// Returns the variables of `.env` that the shell does not set, for programs that do not read `.env`.
    pub fn file(&self) -> impl Iterator<Item = (&String, &String)> {
        self.file.iter().filter(|(name, value)| !value.is_empty() && env::var_os(name).is_none())
    }

    /// Returns the volume of the database (engine docker).
    pub fn postgres_volume(&self) -> String {
        let default = || format!("{}_postgres", self.project);
        self.variable("POSTGRES_VOLUME").unwrap_or_else(default)
    }

    /// Returns the folder of the database in `.slipway` (engine local).
    pub fn cluster(&self) -> String {
        self.variable("PG_CLUSTER").unwrap_or_else(|| "postgres".to_owned())
    }

    /// Returns the URL of the database, which includes the password.
    pub fn database_url(&self, port: u16) -> String {
        let Self { user, password, database, .. } = self;
        format!("postgresql://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Returns the URL of the database with the role of the API, which the migration tool creates.
    pub fn application_url(&self, port: u16) -> String {
        let Self { user, password, database, .. } = self;
        format!("postgresql://{user}_application:{password}@127.0.0.1:{port}/{database}")
    }

    /// Returns the prefix of image names: the registry, if one is set, and the project.
    pub fn image_prefix(&self) -> String {
        let registry = self.variable("REGISTRY").map(|it| format!("{}/", it.trim_end_matches('/')));
        format!("{}{}", registry.unwrap_or_default(), self.project)
    }

    /// Returns the HTTPS port of nginx on this machine: HTTPS_PORT, or the HTTP port plus 443.
    pub fn tls_port(&self, plain_port: u16) -> u16 {
        self.https_port.unwrap_or_else(|| plain_port.saturating_add(443))
    }

    /// Returns the engine that the flag or ENGINE names, or `None` for `auto`.
    pub fn forced(&self, flag: Option<EngineChoice>) -> Option<EngineKind> {
        match flag.unwrap_or(self.engine) {
            EngineChoice::Auto => None,
            EngineChoice::Docker => Some(EngineKind::Docker),
            EngineChoice::Local => Some(EngineKind::Local),
            EngineChoice::External => Some(EngineKind::External),
        }
    }

    /// Returns the database of the engine external. Ignores `DATABASE_URL` of the shell, which may belong to another
    /// project.
    ///
    /// # Errors
    /// `DATABASE_URL` is missing in `.env` or invalid. The message does not contain the URL, because it has a password.
    pub fn external_database(&self) -> anyhow::Result<ExternalDatabase> {
        let url = self.file.get("DATABASE_URL").filter(|url| !url.is_empty());
        let url = url.context(
            "the engine external needs a database. Set DATABASE_URL in .env; the shell is ignored.",
        )?;
        ExternalDatabase::parse(url).context(
            "DATABASE_URL in .env is invalid: expected postgresql://USER:PASSWORD@HOST/DATABASE, with %40 for @",
        )
    }
}

/// Returns the variables of `.env`. The map is empty if the file does not exist.
pub fn read(path: &Path) -> anyhow::Result<HashMap<String, String>> {
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    env_file::parse::parse(&text)
}

fn lookup(file: &HashMap<String, String>, name: &str) -> Option<String> {
    env::var(name).ok().or_else(|| file.get(name).cloned()).filter(|value| !value.is_empty())
}

struct Reader<'a> {
    file: &'a HashMap<String, String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str, default: &str) -> String {
        lookup(self.file, name).unwrap_or_else(|| default.to_owned())
    }

    /// Reads a text that needs no escaping in a URL.
    fn url_safe(&mut self, name: &str, default: &str) -> String {
        let text = self.text(name, default);
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            // The message must not show the value, because it may be the password.
            self.problems.push(format!("{name} is invalid: use only letters, digits and -._~"));
        }
        text
    }

    fn port(&mut self, name: &str, default: u16) -> u16 {
        self.one_of(name, default, |text| text.parse().ok().filter(|port| *port != 0))
    }

    fn optional_port(&mut self, name: &str) -> Option<u16> {
        lookup(self.file, name)?;
        Some(self.port(name, 1))
    }

    fn one_of<T>(&mut self, name: &str, default: T, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = lookup(self.file, name) else { return default };
        parse(&text).unwrap_or_else(|| {
            self.problems.push(format!("{name}={text} is invalid; see .env.example"));
            default
        })
    }
}

/// Returns the project name that Compose derives from a folder.
fn default_project(root: &Path) -> String {
    let folder = root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
    let name: String = folder.chars().filter(is_allowed).collect();
    match name.trim_start_matches(['-', '_']) {
        "" => "slipway".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_project_is_a_valid_name() {
        for (folder, name) in [("my app", "myapp"), ("_My_App-2", "my_app-2"), ("東京", "slipway")]
        {
            assert_eq!(default_project(&Path::new("/home").join(folder)), name);
        }
    }
}
