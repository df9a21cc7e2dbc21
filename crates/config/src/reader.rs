//! Reads variables one by one and collects what is wrong with them instead of stopping at the first.

use std::{fmt, fs, str::FromStr, time::Duration};

use crate::Secret;

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong, without the value: it may be a secret.
    pub reason: String,
}

/// Every problem found while reading the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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

    pub(crate) fn text(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).filter(|value| !value.is_empty())
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

    /// A secret from the variable itself or from the file that `<variable>_FILE` names.
    pub(crate) fn required_secret(&mut self, variable: &'static str) -> Secret {
        let text = match (self.text(variable), self.text(&format!("{variable}_FILE"))) {
            (Some(text), None) => text,
            (None, Some(path)) => self.content(variable, &path),
            (Some(_), Some(_)) => {
                self.problem(variable, format!("is set together with {variable}_FILE: set one"));
                String::new()
            }
            (None, None) => {
                self.problem(variable, "is missing".to_owned());
                String::new()
            }
        };
        text.into()
    }

    fn content(&mut self, variable: &'static str, path: &str) -> String {
        match fs::read_to_string(path) {
            Ok(text) => text.trim_end().to_owned(),
            Err(error) => {
                self.problem(variable, format!("cannot be read from the file {path}: {error}"));
                String::new()
            }
        }
    }

    fn problem(&mut self, variable: &'static str, reason: String) {
        self.problems.push(Problem { variable, reason });
    }
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
