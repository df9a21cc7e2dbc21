//! Checks settings of production that would only fail on the server.

use super::{Reader, lookup};

impl Reader<'_> {
    pub(super) fn check_backup_target(&mut self) {
        let Some(target) = lookup(self.file, "BACKUP_TARGET") else { return };
        let path = target.strip_prefix("s3://").unwrap_or_default();
        if path.is_empty() || path.starts_with('/') {
            self.problems
                .push(format!("BACKUP_TARGET={target} is invalid: expected s3://BUCKET/PREFIX"));
        }
        let encryption = ["BACKUP_AGE_RECIPIENT", "BACKUP_S3_ENCRYPTION"];
        if encryption.iter().all(|name| lookup(self.file, name).is_none()) {
            let names = encryption.join(" or ");
            self.problems
                .push(format!("BACKUP_TARGET needs {names}, because copies must be encrypted"));
        }
    }

    /// Returns whether the settings turn on continuous archiving.
    pub(super) fn archives(&mut self) -> bool {
        self.one_of("BACKUP_CONTINUOUS_DAYS", 7, |text| {
            text.parse().ok().filter(|days| (1..=3650).contains(days))
        });
        let is_on = self.one_of("BACKUP_CONTINUOUS", false, |text| text.parse().ok());
        is_on && lookup(self.file, "DATABASE_URL").is_none()
    }

    pub(super) fn check_certificate(&mut self) {
        let value = |name| lookup(self.file, name);
        let Some(domains) = value("ACME_DOMAIN") else { return };
        let mut problems = Vec::new();
        if !domains.split(',').all(is_domain) {
            problems.push(format!(
                "ACME_DOMAIN={domains} is invalid: expected names such as api.example.com, separated by commas"
            ));
        }
        if value("ACME_EMAIL").is_none_or(|email| !email.contains('@')) {
            problems.push("ACME_DOMAIN needs ACME_EMAIL, an email address of yours".to_owned());
        }
        if value("ACME_DIRECTORY").is_some_and(|url| !url.starts_with("https://")) {
            problems.push("ACME_DIRECTORY is invalid: expected an https:// URL".to_owned());
        }
        if value("TLS_CERTIFICATE_FILE").or_else(|| value("TLS_KEY_FILE")).is_some() {
            problems.push(
                "ACME_DOMAIN gets a certificate, so remove TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or ACME_DOMAIN"
                    .to_owned(),
            );
        }
        self.problems.extend(problems);
    }
}

/// Returns whether an authority can issue a certificate for this name. It cannot for addresses and local names.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_valid) && !label.starts_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.')
        && name.split('.').all(is_label)
        && !last.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_domain;

    #[test]
    fn addresses_local_names_and_wildcards_are_rejected() {
        for name in ["example.com", "api.example.co.uk", "xn--bcher-kva.example"] {
            assert!(is_domain(name), "{name}");
        }
        for name in ["", "localhost", "192.0.2.1", "*.example.com", "a..b", "https://a.b", "a b.c"]
        {
            assert!(!is_domain(name), "{name}");
        }
    }
}
