//! The names of all checks. A test compares the names with the table in docs/doctor.md.

/// The name of a check, and whether `--fix` can fix its diagnostics.
pub struct Check {
    pub name: &'static str,
    pub fix: bool,
}

const fn fixable(name: &'static str) -> Check {
    Check { name, fix: true }
}

const fn manual(name: &'static str) -> Check {
    Check { name, fix: false }
}

/// All checks.
pub const CHECKS: [Check; 56] = [
    fixable("toolchain"),
    manual("disk"),
    manual("memory"),
    fixable("watch-limit"),
    manual("open-files"),
    manual("docker"),
    manual("docker-stopped"),
    manual("docker-permission"),
    manual("docker-silent"),
    manual("docker-old"),
    manual("compose"),
    manual("buildx"),
    fixable("docker-context"),
    manual("docker-memory"),
    manual("base-images"),
    fixable("local-postgres"),
    fixable("fetched-postgres"),
    manual("engine-changed"),
    fixable("port"),
    fixable("env-missing"),
    fixable("env-encoding"),
    fixable("env-crlf"),
    manual("env-malformed"),
    fixable("env-repeated"),
    fixable("env-mode"),
    fixable("env-in-git"),
    fixable("env-misspelt"),
    manual("env-unknown"),
    fixable("env-incomplete"),
    manual("env-value"),
    fixable("env-password"),
    manual("extra-ca"),
    manual("shell"),
    fixable("database-password"),
    manual("database-role"),
    fixable("database-missing"),
    manual("database-major"),
    manual("database-unreachable"),
    fixable("stale-pid"),
    fixable("service"),
    manual("clock"),
    fixable("schema-behind"),
    manual("schema-ahead"),
    manual("schema-diverged"),
    manual("migration-numbers"),
    fixable("owner"),
    fixable("crlf"),
    fixable("script-mode"),
    fixable("unreadable-source"),
    fixable("state"),
    fixable("second-checkout"),
    manual("compose-file"),
    fixable("orphan-containers"),
    manual("orphan-volumes"),
    fixable("test-databases"),
    fixable("test-containers"),
];

#[cfg(test)]
mod tests {
    use super::CHECKS;

    #[test]
    fn documentation_lists_every_check() {
        let page = include_str!("../../../../docs/doctor.md");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), CHECKS.len());
        for check in CHECKS {
            let row = rows.iter().find(|row| row.starts_with(&format!("| `{}` |", check.name)));
            let row = row.unwrap_or_else(|| panic!("docs/doctor.md does not list {}", check.name));
            assert_eq!(row.ends_with("| yes |"), check.fix, "{row}");
        }
    }
}
