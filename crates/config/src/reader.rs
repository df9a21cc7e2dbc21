//! Reads variables one by one and collects what is wrong with them instead of stopping at the first.

use std::{error::Error, fmt, fs, str::FromStr, time::Duration};

use crate::{network::Network, secret::Secret};

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong, without the value: it may be a secret.
    pub reason: String,
}

/// Every problem found while reading the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(pub Vec<Problem>);

impl fmt::Display for Errors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the settings are not usable; .env.example explains each variable")?;
        for Problem { variable, reason } in &self.0 {
            write!(formatter, "\n  {variable} {reason}")?;
        }
        Ok(())
    }
}

impl Error for Errors {}

pub(crate) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// `value`, unless anything that was read so far had a problem.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Errors> {
        if self.problems.is_empty() { Ok(value) } else { Err(Errors(self.problems)) }
    }

    /// The value of a variable, or else the content of the file that `<variable>_FILE` names.
    pub(crate) fn text(&mut self, variable: &'static str) -> Option<String> {
        let set = |name: &str| (self.lookup)(name).filter(|value| !value.is_empty());
        match (set(variable), set(&format!("{variable}_FILE"))) {
            (value, None) => value,
            (None, Some(path)) => self.content(variable, &path),
            (Some(_), Some(_)) => {
                self.problem(variable, format!("is set together with {variable}_FILE: set one"));
                None
            }
        }
    }

    /// The content of a file, which must have some.
    fn content(&mut self, variable: &'static str, path: &str) -> Option<String> {
        let problem = match fs::read_to_string(path) {
            Ok(text) if text.trim_end().is_empty() => format!("is empty in the file {path}"),
            Ok(text) => return Some(text.trim_end().to_owned()),
            Err(error) => format!("cannot be read from the file {path}: {error}"),
        };
        self.problem(variable, problem);
        None
    }

    pub(crate) fn optional<T>(&mut self, variable: &'static str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let parsed = self.text(variable)?.parse();
        parsed.map_err(|error| self.problem(variable, format!("is malformed: {error}"))).ok()
    }

    pub(crate) fn parsed<T>(&mut self, variable: &'static str, default: T) -> T
    where
        T: FromStr<Err: fmt::Display>,
    {
        self.optional(variable).unwrap_or(default)
    }

    pub(crate) fn positive(&mut self, variable: &'static str, default: usize) -> usize {
        let value = self.parsed(variable, default);
        if value == 0 {
            self.problem(variable, "must be at least 1".to_owned());
        }
        value
    }

    pub(crate) fn seconds(&mut self, variable: &'static str, default: u32) -> Duration {
        Duration::from_secs(self.parsed(variable, default).into())
    }

    /// Seconds, but not none: everything would time out at once.
    pub(crate) fn timeout(&mut self, variable: &'static str, default: u32) -> Duration {
        let value = self.seconds(variable, default);
        if value.is_zero() {
            self.problem(variable, "must be at least 1".to_owned());
        }
        value
    }

    /// Hours, up to ten years of them.
    pub(crate) fn hours(&mut self, variable: &'static str, default: u32) -> Duration {
        let hours = self.parsed(variable, default);
        if !(1..=87_600).contains(&hours) {
            self.problem(variable, "must be from 1 to 87600".to_owned());
        }
        Duration::from_secs(u64::from(hours) * 3600)
    }

    /// Origins as browsers send them, separated by commas.
    pub(crate) fn origins(&mut self, variable: &'static str) -> Vec<String> {
        let text = self.text(variable).unwrap_or_default();
        let origins: Vec<String> =
            text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if !origins.iter().all(|origin| is_origin(origin)) {
            let reason = "must be like https://app.example.com,http://localhost:3000";
            self.problem(variable, reason.to_owned());
        }
        origins
    }

    /// The URL of a collector beside the server, without the last slash.
    pub(crate) fn collector(&mut self, variable: &'static str) -> Option<String> {
        let text = self.text(variable)?;
        let url = text.trim_end_matches('/');
        if !url.strip_prefix("http://").is_some_and(is_authority) {
            let reason =
                "must be like http://localhost:4318; a collector beside the server can encrypt";
            self.problem(variable, reason.to_owned());
        }
        Some(url.to_owned())
    }

    /// From 0 to 1, which is the default.
    pub(crate) fn ratio(&mut self, variable: &'static str) -> f64 {
        let ratio = self.parsed(variable, 1.0);
        if !(0.0..=1.0).contains(&ratio) {
            self.problem(variable, "must be from 0 to 1".to_owned());
        }
        ratio
    }

    /// Where a database is, which may hold a password. In production, one that everybody knows is none.
    pub(crate) fn database_url(&mut self, variable: &'static str, production: bool) -> Secret {
        let before = self.problems.len();
        let text = self.text(variable).unwrap_or_default();
        if text.is_empty() && self.problems.len() == before {
            self.problem(variable, "is missing".to_owned());
        }
        if production && password(&text).is_some_and(is_example) {
            let reason = "has an empty password, or one that stands in examples; generate one: openssl rand -hex 24";
            self.problem(variable, reason.to_owned());
        }
        text.into()
    }

    /// Where a Redis is, which may hold a password.
    pub(crate) fn redis_url(&mut self, variable: &'static str) -> Option<Secret> {
        let url = self.text(variable)?;
        let rest = url.strip_prefix("redis://").or_else(|| url.strip_prefix("rediss://"));
        if rest.is_none_or(str::is_empty) {
            let reason = "must be like redis://:password@redis:6379, or rediss:// to encrypt";
            self.problem(variable, reason.to_owned());
        }
        Some(url.into())
    }

    /// Ranges of addresses, separated by commas.
    pub(crate) fn networks(&mut self, variable: &'static str) -> Vec<Network> {
        let text = self.text(variable).unwrap_or_default();
        let parts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        let parsed: Result<Vec<_>, _> = parts.map(str::parse).collect();
        parsed.unwrap_or_else(|error: &str| {
            self.problem(variable, format!("is malformed: {error}"));
            Vec::new()
        })
    }

    fn problem(&mut self, variable: &'static str, reason: String) {
        self.problems.push(Problem { variable, reason });
    }
}

/// The password in a URL, or in settings like `host=db password=x`.
fn password(url: &str) -> Option<&str> {
    if let Some((_, rest)) = url.split_once("://") {
        return Some(rest.split('/').next()?.rsplit_once('@')?.0.split_once(':')?.1);
    }
    url.split_ascii_whitespace().find_map(|setting| setting.strip_prefix("password="))
}

fn is_example(password: &str) -> bool {
    ["", "slipway", "postgres", "password", "secret", "example", "changeme"].contains(&password)
}

/// Whether `text` is a scheme, a host in lower case and perhaps a port: what `Origin` is compared to.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(is_authority)
}

/// Whether `text` is a host in lower case and perhaps a port.
fn is_authority(text: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}
