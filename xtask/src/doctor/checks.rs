//! Every check by its name: the same table is in docs/doctor.md, which a test compares with this one.

/// A check: its name, and whether `--fix` can mend what it finds.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) fix: bool,
}

const fn mended(name: &'static str) -> Check {
    Check { name, fix: true }
}

const fn named(name: &'static str) -> Check {
    Check { name, fix: false }
}

/// Every check that there is.
pub(crate) const CHECKS: [Check; 54] = [
    mended("toolchain"),
    named("disk"),
    named("memory"),
    mended("watch-limit"),
    named("open-files"),
    named("docker"),
    named("docker-stopped"),
    named("docker-permission"),
    named("docker-silent"),
    named("docker-old"),
    named("compose"),
    named("buildx"),
    mended("docker-context"),
    named("docker-memory"),
    named("base-images"),
    named("local-postgres"),
    named("engine-changed"),
    mended("port"),
    mended("env-missing"),
    mended("env-encoding"),
    mended("env-crlf"),
    named("env-malformed"),
    mended("env-repeated"),
    mended("env-mode"),
    mended("env-in-git"),
    mended("env-misspelt"),
    named("env-unknown"),
    mended("env-incomplete"),
    named("env-value"),
    mended("env-password"),
    named("extra-ca"),
    named("shell"),
    mended("database-password"),
    named("database-role"),
    mended("database-missing"),
    named("database-major"),
    mended("stale-pid"),
    mended("service"),
    named("clock"),
    mended("schema-behind"),
    named("schema-ahead"),
    named("schema-diverged"),
    named("migration-numbers"),
    mended("owner"),
    mended("crlf"),
    mended("script-mode"),
    mended("unreadable-source"),
    mended("state"),
    mended("second-checkout"),
    named("compose-file"),
    mended("orphan-containers"),
    named("orphan-volumes"),
    mended("test-databases"),
    mended("test-containers"),
];

#[cfg(test)]
mod tests {
    use super::CHECKS;

    #[test]
    fn the_documentation_lists_every_check() {
        let page = include_str!("../../../docs/doctor.md");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), CHECKS.len());
        for check in CHECKS {
            let row = rows.iter().find(|row| row.starts_with(&format!("| `{}` |", check.name)));
            let row = row.unwrap_or_else(|| panic!("docs/doctor.md does not list {}", check.name));
            assert_eq!(row.ends_with("| yes |"), check.fix, "{row}");
        }
    }
}
