//! Builds the commands that run PostgreSQL's programs, without the settings of the user.

use std::ffi::OsStr;
use std::process::Command;

/// Returns a command for a program of PostgreSQL. Removes the variables that set defaults of connections and
/// sessions, such as PGHOST, PGOPTIONS and PSQLRC.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_setting) {
            command.env_remove(name);
        }
    }
    command
}

/// Returns whether PostgreSQL's programs read the variable. Variables of this project begin with `PG_`.
fn is_setting(name: &str) -> bool {
    name == "PSQLRC" || name.starts_with("PG") && !name.starts_with("PG_")
}

#[cfg(test)]
mod tests {
    use super::is_setting;

    #[test]
    fn is_setting_finds_the_variables_of_libpq_and_psql() {
        for name in ["PGHOST", "PGOPTIONS", "PGSERVICE", "PGSSLMODE", "PGTZ", "PGDATA", "PSQLRC"] {
            assert!(is_setting(name), "{name}");
        }
        for name in ["PG_BIN", "PG_CLUSTER", "PATH", "PSQL_PAGER", "POSTGRES_DB"] {
            assert!(!is_setting(name), "{name}");
        }
    }
}
