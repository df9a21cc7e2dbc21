//! Reads variables and collects all errors, instead of stopping at the first error.

use std::{error::Error, fmt, fs, str::FromStr, time::Duration};

use crate::{network::Network, secret::Secret};

/// An error in one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// Explains why the setting is invalid. Omits the value of the setting, because the value may be a secret.
    pub reason: String,
}

/// All errors of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(pub Vec<Problem>);

impl fmt::Display for Errors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("invalid settings. See .env.example for each variable.")?;
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

    /// Returns `value`, or the errors of all variables that were read.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Errors> {
        if self.problems.is_empty() { Ok(value) } else { Err(Errors(self.problems)) }
    }

    /// Returns the value of a variable, or the content of the file whose path is in `<variable>_FILE`.
    pub(crate) fn text(&mut self, variable: &'static str) -> Option<String> {
        let set = |name: &str| (self.lookup)(name).filter(|value| !value.is_empty());
        match (set(variable), set(&format!("{variable}_FILE"))) {
            (value, None) => value,
            (None, Some(path)) => self.content(variable, &path),
            (Some(_), Some(_)) => {
                self.problem(variable, format!("and {variable}_FILE are both set. Remove one."));
                None
            }
        }
    }

    /// Returns the content of a file that must not be empty.
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

    /// Reads a number of seconds that is not 0.
    pub(crate) fn timeout(&mut self, variable: &'static str, default: u32) -> Duration {
        let value = self.seconds(variable, default);
        if value.is_zero() {
            self.problem(variable, "must be at least 1".to_owned());
        }
        value
    }

    /// Reads a number of hours, at most ten years.
    pub(crate) fn hours(&mut self, variable: &'static str, default: u32) -> Duration {
        let hours = self.parsed(variable, default);
        if !(1..=87_600).contains(&hours) {
            self.problem(variable, "must be from 1 to 87600".to_owned());
        }
        Duration::from_secs(u64::from(hours) * 3600)
    }

    /// Reads a comma-separated list of web origins.
    pub(crate) fn origins(&mut self, variable: &'static str) -> Vec<String> {
        let text = self.text(variable).unwrap_or_default();
        let origins: Vec<String> =
            text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if !origins.iter().all(|origin| is_origin(origin)) {
            let reason = "must be origins such as https://app.example.com,http://localhost:3000";
            self.problem(variable, reason.to_owned());
        }
        origins
    }

    /// Reads the URL of a contact, such as `mailto:security@example.com`.
    pub(crate) fn contact(&mut self, variable: &'static str) -> Option<String> {
        let text = self.text(variable)?;
        let is_url = ["mailto:", "https://", "tel:"].iter().any(|scheme| text.starts_with(scheme));
        if !is_url || text.contains(char::is_whitespace) {
            self.problem(variable, "must be a URL such as mailto:security@example.com".to_owned());
        }
        Some(text)
    }

    /// Reads the URL of a trace collector and removes a trailing slash. HTTPS is not supported.
    pub(crate) fn collector(&mut self, variable: &'static str) -> Option<String> {
        let text = self.text(variable)?;
        let url = text.trim_end_matches('/');
        if !url.strip_prefix("http://").is_some_and(is_authority) {
            let reason = "must be an HTTP URL such as http://localhost:4318. HTTPS is not supported; to encrypt \
                          traces, run a collector on this machine that forwards them.";
            self.problem(variable, reason.to_owned());
        }
        Some(url.to_owned())
    }

    /// Reads a number from 0 to 1. The default is 1.
    pub(crate) fn ratio(&mut self, variable: &'static str) -> f64 {
        let ratio = self.parsed(variable, 1.0);
        if !(0.0..=1.0).contains(&ratio) {
            self.problem(variable, "must be from 0 to 1".to_owned());
        }
        ratio
    }

    /// Reads the URL of the database. In production, rejects passwords that occur in examples.
    pub(crate) fn database_url(&mut self, variable: &'static str, production: bool) -> Secret {
        let before = self.problems.len();
        let url = self.optional_database_url(variable, production);
        if url.is_none() && self.problems.len() == before {
            self.problem(variable, "is missing".to_owned());
        }
        url.unwrap_or_else(|| String::new().into())
    }

    /// Reads a URL like [`Self::database_url`], which may be missing.
    pub(crate) fn optional_database_url(
        &mut self,
        variable: &'static str,
        production: bool,
    ) -> Option<Secret> {
        let text = self.text(variable)?;
        if production && password(&text).is_some_and(is_example) {
            let reason =
                "has an empty or well-known password. To generate one, run openssl rand -hex 24.";
            self.problem(variable, reason.to_owned());
        }
        Some(text.into())
    }

    /// Reads the URL of a Redis server.
    pub(crate) fn redis_url(&mut self, variable: &'static str) -> Option<Secret> {
        let url = self.text(variable)?;
        let rest = url.strip_prefix("redis://").or_else(|| url.strip_prefix("rediss://"));
        if rest.is_none_or(str::is_empty) {
            let reason = "must be a URL such as redis://:password@redis:6379, or rediss:// for TLS";
            self.problem(variable, reason.to_owned());
        }
        Some(url.into())
    }

    /// Reads a comma-separated list of address ranges.
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

/// Returns the password of a URL, or of a connection string such as `host=db password=x`.
fn password(url: &str) -> Option<&str> {
    if let Some((_, rest)) = url.split_once("://") {
        return Some(rest.split('/').next()?.rsplit_once('@')?.0.split_once(':')?.1);
    }
    url.split_ascii_whitespace().find_map(|setting| setting.strip_prefix("password="))
}

fn is_example(password: &str) -> bool {
    ["", "slipway", "postgres", "password", "secret", "example", "changeme"].contains(&password)
}

/// Returns true if `text` is a scheme, a lower-case host and an optional port, as in the header `Origin`.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(is_authority)
}

/// Returns true if `text` is a lower-case host with an optional port.
fn is_authority(text: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}
