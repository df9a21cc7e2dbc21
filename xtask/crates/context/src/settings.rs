//! The settings of the stack, from the shell and `.env`, validated as a whole.

use std::{collections::HashMap, env, fs, path::Path};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;

use crate::{
    engine_kind::{EngineChoice, EngineKind},
    env_file,
};

/// The settings of the stack. The shell wins over `.env`, which wins over the defaults.
pub struct Settings {
    file: HashMap<String, String>,
    /// ENGINE.
    pub engine: EngineChoice,
    /// Whether APP_ENV is `production`.
    pub production: bool,
    /// Whether each git branch has a copy of the database.
    pub database_branches: bool,
    /// COMPOSE_PROJECT_NAME, which names of containers, volumes and images begin with.
    pub project: String,
    /// API_PORT.
    pub api_port: u16,
    /// POSTGRES_PORT.
    pub postgres_port: u16,
    /// The database's user.
    pub user: String,
    /// The database's password.
    pub password: String,
    /// The database's name.
    pub database: String,
    /// RUST_IMAGE, which compiles the source.
    pub rust_image: String,
    /// POSTGRES_IMAGE.
    pub postgres_image: String,
    /// NGINX_IMAGE.
    pub nginx_image: String,
    /// REDIS_IMAGE.
    pub redis_image: String,
    /// HTTP_PORT, where production listens.
    pub http_port: Option<u16>,
    /// HTTPS_PORT, where production listens for TLS.
    pub https_port: Option<u16>,
    /// How many replicas of the API a first deployment starts.
    pub replicas: usize,
}

impl Settings {
    /// Loads the settings.
    ///
    /// # Errors
    /// Lists every invalid setting.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let (settings, problems) = Self::parse(root)?;
        if !problems.is_empty() {
            bail!("the settings in .env or the shell are not usable:\n  {}", problems.join("\n  "));
        }
        Ok(settings)
    }

    /// The settings, with the defaults in the place of those that are not possible, which are told.
    pub fn parse(root: &Path) -> anyhow::Result<(Self, Vec<String>)> {
        let file = read(&env_file::path(root))?;
        let mut reader = Reader { file: &file, problems: Vec::new() };
        let project = root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
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
            user: reader.plain("POSTGRES_USER", "slipway"),
            password: reader.plain("POSTGRES_PASSWORD", "slipway"),
            database: reader.plain("POSTGRES_DB", "slipway"),
            rust_image: reader.text("RUST_IMAGE", "rust:1.95.0-slim-trixie"),
            postgres_image: reader.text("POSTGRES_IMAGE", "postgres:18"),
            nginx_image: reader.text("NGINX_IMAGE", "nginx:1.30"),
            redis_image: reader.text("REDIS_IMAGE", "redis:8.2"),
            http_port: reader.optional_port("HTTP_PORT"),
            https_port: reader.optional_port("HTTPS_PORT"),
            replicas: reader.one_of("API_REPLICAS", 2, |text| {
                text.parse().ok().filter(|number| (1..=20).contains(number))
            }),
            file: HashMap::new(),
        };
        let problems = reader.problems;
        Ok((Self { file, ..settings }, problems))
    }

    /// A variable of shell or `.env`.
    pub fn variable(&self, name: &str) -> Option<String> {
        lookup(&self.file, name)
    }

    /// What was set in `.env`; for programs that do not read it themselves.
    pub fn file(&self) -> impl Iterator<Item = (&String, &String)> {
        self.file.iter().filter(|(name, value)| !value.is_empty() && env::var_os(name).is_none())
    }

    /// The volume of the database, with the engine docker.
    pub fn postgres_volume(&self) -> String {
        let default = || format!("{}_postgres", self.project);
        self.variable("POSTGRES_VOLUME").unwrap_or_else(default)
    }

    /// The folder of the database in `.slipway`, with the engine local.
    pub fn cluster(&self) -> String {
        self.variable("PG_CLUSTER").unwrap_or_else(|| "postgres".to_owned())
    }

    /// Where the database is, as a URL, with the password.
    pub fn database_url(&self, port: u16) -> String {
        let Self { user, password, database, .. } = self;
        format!("postgresql://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    /// What the names of our images begin with: a registry, if there is one, and the project.
    pub fn image_prefix(&self) -> String {
        let registry = self.variable("REGISTRY").map(|it| format!("{}/", it.trim_end_matches('/')));
        format!("{}{}", registry.unwrap_or_default(), self.project)
    }

    /// Where nginx listens for TLS on this machine, beside its plain port.
    pub fn tls_port(&self, plain_port: u16) -> u16 {
        self.https_port.unwrap_or_else(|| plain_port.saturating_add(443))
    }

    /// The kind of engine, if one was asked for by name.
    pub fn forced(&self, flag: Option<EngineChoice>) -> Option<EngineKind> {
        match flag.unwrap_or(self.engine) {
            EngineChoice::Auto => None,
            EngineChoice::Docker => Some(EngineKind::Docker),
            EngineChoice::Local => Some(EngineKind::Local),
        }
    }
}

/// The variables of `.env`; none if there is no such file.
pub fn read(path: &Path) -> anyhow::Result<HashMap<String, String>> {
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let pairs = dotenvy::from_read_iter(text.as_bytes()).map(|pair| {
        pair.map_err(|error| match error {
            // The line, or its end, is not shown: it may be the password.
            dotenvy::Error::LineParse(end, _) => {
                let is_it = |line: &str| line.trim().ends_with(end.trim());
                let number = text.lines().take_while(|line| !is_it(line)).count();
                anyhow!(
                    "line {} of .env is not NAME=value, with quotes around a value with spaces",
                    number + 1
                )
            }
            error => error.into(),
        })
    });
    pairs.collect()
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

    /// A text that becomes part of a URL as it is.
    fn plain(&mut self, name: &str, default: &str) -> String {
        let text = self.text(name, default);
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            // Without the value: it may be the password.
            self.problems.push(format!("{name} may hold letters, digits and -._~ only"));
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
            self.problems.push(format!("{name}={text} is not possible; see .env.example"));
            default
        })
    }
}
