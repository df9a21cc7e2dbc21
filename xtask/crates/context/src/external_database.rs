//! The database of the engine external: the URL, and the environment of libpq programs that connect to it.

use percent_encoding::percent_decode_str;

/// The parameters of the URL that libpq programs need, with their variables.
const PARAMETERS: [(&str, &str); 7] = [
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("options", "PGOPTIONS"),
    ("application_name", "PGAPPNAME"),
];

/// A database that someone else runs.
pub struct ExternalDatabase {
    /// The URL, which includes the password.
    pub url: String,
    /// The name of the database.
    pub name: String,
    /// The hosts and ports, such as `db.example.com:5432`.
    pub hosts: String,
    user: String,
    password: String,
    parameters: Vec<(&'static str, String)>,
}

impl ExternalDatabase {
    /// Parses a URL of the form `postgresql://USER:PASSWORD@HOST/DATABASE`. None if a part other than the password is
    /// missing.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/')?;
        let (login, hosts) = authority.rsplit_once('@')?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        if [user, hosts, name].contains(&"") {
            return None;
        }
        let parameters = query.split('&').filter_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            let (_, variable) = PARAMETERS.into_iter().find(|(name, _)| *name == key)?;
            Some((variable, decoded(value)))
        });
        Some(Self {
            url: url.to_owned(),
            name: decoded(name),
            hosts: hosts.to_owned(),
            user: decoded(user),
            password: decoded(password),
            parameters: parameters.collect(),
        })
    }

    /// Returns the URL without password and parameters.
    pub fn public_url(&self) -> String {
        let Self { user, hosts, name, .. } = self;
        format!("postgresql://{user}@{hosts}/{name}")
    }

    /// Returns the environment of psql, pg_dump and other libpq programs.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let hosts = self.hosts.split(',').map(|host| match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (host, "5432"),
        });
        let (names, ports): (Vec<_>, Vec<_>) =
            hosts.map(|(name, port)| (name.trim_matches(['[', ']']), port)).unzip();
        let mut variables = vec![
            ("PGHOST", names.join(",")),
            ("PGPORT", ports.join(",")),
            ("PGUSER", self.user.clone()),
            ("PGPASSWORD", self.password.clone()),
            ("PGDATABASE", self.name.clone()),
        ];
        // The server of this project uses the authorities of the system by default, but libpq does not.
        if self.parameters.iter().any(|(_, value)| value == "verify-full") {
            variables.push(("PGSSLROOTCERT", "system".to_owned()));
        }
        variables.extend(self.parameters.iter().cloned());
        variables
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::ExternalDatabase;

    #[test]
    fn parse_reads_hosts_login_and_parameters() {
        let url =
            "postgres://ada:p%40ss@a.example,[::1]:6000/shop?sslmode=verify-full&options=-cx%3D1";
        let database = ExternalDatabase::parse(url).expect("a valid URL");
        assert_eq!(database.public_url(), "postgresql://ada@a.example,[::1]:6000/shop");
        let environment = database.environment();
        for (name, value) in [
            ("PGHOST", "a.example,::1"),
            ("PGPORT", "5432,6000"),
            ("PGUSER", "ada"),
            ("PGPASSWORD", "p@ss"),
            ("PGDATABASE", "shop"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "system"),
            ("PGOPTIONS", "-cx=1"),
        ] {
            assert!(environment.contains(&(name, value.to_owned())), "{name}: {environment:?}");
        }
    }

    #[test]
    fn parse_rejects_incomplete_urls() {
        for url in
            ["mysql://a:b@c/d", "postgresql://c/d", "postgresql://a@c", "postgresql://a:b@/d"]
        {
            assert!(ExternalDatabase::parse(url).is_none(), "{url}");
        }
    }
}
