//! Checks of the production stack: errors, durations, connections, disk, certificate and backups.

use std::{io::Write, process::Stdio, thread};

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::{archive, metrics::Metrics, schema, server::Server};
use context::process;

/// The maximum share of responses with a server error, as in the alert `Errors`.
const ERRORS: f64 = 0.02;
/// The maximum time of 99 % of the requests in seconds, as in the alert `Slow`.
const P99: f64 = 1.0;
/// The number of requests from which both are judged, because one slow log-in after a deployment is not a problem.
const ENOUGH: f64 = 100.0;
/// The free space that `cargo xtask doctor` requires, in KiB.
const FREE: u64 = 5 * 1024 * 1024;
/// The remaining lifetime of a certificate.
const CERTIFICATE_DAYS: u32 = 14;

/// Prints the certificate that nginx uses, and `failed` if the last attempt to renew it has failed.
const CERTIFICATE: &str = r#"
served=/run/secrets/tls_certificate
[ -z "${ACME_DOMAIN:-}" ] || served=/certificates/served.pem
sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$served"
[ ! -e /certificates/failed ] || echo failed
"#;

/// Prints the newest backup and the newest verified backup, each with its age in seconds, or `none`.
const BACKUPS: &str = r#"
cd /backups
manifest=$(ls -d ????????T??????Z/manifest.json 2>/dev/null | tail -n 1)
drilled=$(ls -d ????????T??????Z/drilled 2>/dev/null | tail -n 1)
for file in "$manifest" "$drilled"; do
    if [ -n "$file" ]; then
        echo "${file%/*} $(($(date +%s) - $(date -r "$file" +%s)))"
    else
        echo none
    fi
done
"#;

/// The result of a check.
#[derive(Serialize)]
pub struct Check {
    /// The name: `errors`, `p99`, `pool`, `disk`, `certificate`, `backup`, `drill` or `archive`.
    pub name: &'static str,
    /// The state: `ok`, `abnormal`, or `unknown` if the value cannot be read.
    pub state: &'static str,
    /// The value, or the reason why it is unknown.
    pub value: String,
}

impl Check {
    fn new(name: &'static str, is_abnormal: bool, value: String) -> Self {
        Self { name, state: if is_abnormal { "abnormal" } else { "ok" }, value }
    }

    fn unknown(name: &'static str, error: &anyhow::Error) -> Self {
        Self { name, state: "unknown", value: format!("{error:#}") }
    }

    /// Returns whether the check found a problem.
    pub fn is_abnormal(&self) -> bool {
        self.state == "abnormal"
    }
}

/// Runs all checks concurrently. `api` are the ids of the running replicas.
pub(super) fn run(server: &Server, api: &[&str], nginx: Option<&str>) -> Vec<Check> {
    thread::scope(|scope| {
        let certificate = scope.spawn(|| certificate(server, nginx));
        let disk = scope.spawn(|| disk(server));
        let backups = scope.spawn(|| backups(server));
        let archive = server.settings.archives.then(|| scope.spawn(|| archive(server)));
        let mut checks = of_metrics(Metrics::read(server, api));
        let message = "checks do not panic";
        let (disk, certificate) = (disk.join(), certificate.join());
        checks.push(disk.expect(message).unwrap_or_else(|error| Check::unknown("disk", &error)));
        let certificate = certificate.expect(message);
        checks.push(certificate.unwrap_or_else(|error| Check::unknown("certificate", &error)));
        checks.extend(backups.join().expect(message));
        checks.extend(archive.map(|archive| archive.join().expect(message)));
        checks
    })
}

fn of_metrics(metrics: anyhow::Result<Metrics>) -> Vec<Check> {
    let names = ["errors", "p99", "pool"];
    let metrics = match metrics {
        Ok(metrics) => metrics,
        Err(error) => return names.map(|name| Check::unknown(name, &error)).into(),
    };
    let Metrics { requests, errors, connections, max_connections, waiting, .. } = metrics;
    let share = if requests > 0.0 { errors / requests } else { 0.0 };
    let text =
        format!("{:.2} % of {requests} requests since the start of the replicas", share * 100.0);
    let (p99, limit) = (metrics.quantile(0.99), format!("limit {P99} s"));
    let p99_text = match p99 {
        Some(seconds) if seconds.is_finite() => {
            format!("99 % of the requests take at most {} ms ({limit})", seconds * 1000.0)
        }
        Some(_) => format!("1 % of the requests take longer than 30 s ({limit})"),
        None => "no requests yet".to_owned(),
    };
    let pool = format!(
        "{connections} of {max_connections} connections are open, {waiting} requests wait for one"
    );
    let is_slow = p99.is_some_and(|seconds| seconds > P99);
    vec![
        Check::new(names[0], requests >= ENOUGH && share > ERRORS, text),
        Check::new(names[1], requests >= ENOUGH && is_slow, p99_text),
        Check::new(names[2], waiting > 0.0, pool),
    ]
}

/// Checks the disks of the database and of the backups.
fn disk(server: &Server) -> anyhow::Result<Check> {
    let mut fullest: Option<(u64, String)> = None;
    for (service, folder) in [("postgres", "/var/lib/postgresql"), ("backup", "/backups")] {
        let Some(container) = server.container(service)? else { continue };
        let df = process::output(&mut server.docker(["exec", &container, "df", "-Pk", folder]))?;
        // The columns are: device, size, used, free, used in percent, mount point.
        let columns: Vec<_> = df.lines().last().unwrap_or_default().split_whitespace().collect();
        let free = columns.iter().rev().nth(2).context("df prints an unknown format")?.parse()?;
        if fullest.as_ref().is_none_or(|(least, _)| free < *least) {
            let used = columns.iter().rev().nth(1).copied().unwrap_or_default();
            let gib = format!("{}.{}", free / 1_048_576, free % 1_048_576 * 10 / 1_048_576);
            fullest = Some((free, format!("{used} used, {gib} GiB free ({service})")));
        }
    }
    let (free, text) = fullest
        .context("neither PostgreSQL nor the backup service is running. Run cargo xtask deploy.")?;
    Ok(Check::new("disk", free < FREE, text))
}

fn certificate(server: &Server, nginx: Option<&str>) -> anyhow::Result<Check> {
    let nginx = nginx.context("nginx is not running. Run cargo xtask deploy.")?;
    let certificate =
        process::output(&mut server.docker(["exec", nginx, "sh", "-c", CERTIFICATE]))?;
    let seconds = (CERTIFICATE_DAYS * 24 * 60 * 60).to_string();
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["x509", "-noout", "-enddate", "-checkend", &seconds]);
    openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child =
        openssl.spawn().context("openssl is missing on this machine. Install openssl.")?;
    child.stdin.take().context("stdin is piped")?.write_all(certificate.as_bytes())?;
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let end = text.lines().find_map(|line| line.strip_prefix("notAfter="));
    let end = end.context("openssl cannot read the certificate of nginx")?;
    let has_failed = certificate.ends_with("failed");
    let is_abnormal = !output.status.success() || has_failed;
    let note = if has_failed {
        ", and its renewal has failed: see `cargo xtask logs --production certificates`".to_owned()
    } else if is_abnormal {
        format!(", in less than {CERTIFICATE_DAYS} days")
    } else {
        String::new()
    };
    Ok(Check::new("certificate", is_abnormal, format!("expires {end}{note}")))
}

/// Checks the age of the newest backup and of the newest verified backup.
fn backups(server: &Server) -> [Check; 2] {
    let names = ["backup", "drill"];
    if schema::is_elsewhere(server) {
        return names.map(|name| Check::new(name, false, "the database is external".to_owned()));
    }
    let read = || -> anyhow::Result<Option<String>> {
        let Some(backup) = server.container("backup")? else { return Ok(None) };
        let script = ["exec", &backup, "sh", "-euc", BACKUPS];
        let lines = process::output(&mut server.docker(script))?;
        ensure!(lines.lines().count() == 2, "cannot read the backups: {lines}");
        Ok(Some(lines))
    };
    let lines = match read() {
        Ok(Some(lines)) => lines,
        Ok(None) => {
            let text = "the service `backup` is not running. Run cargo xtask deploy.";
            return names.map(|name| Check::new(name, true, text.to_owned()));
        }
        Err(error) => return names.map(|name| Check::unknown(name, &error)),
    };
    let every = server.settings.variable("BACKUP_EVERY_HOURS");
    let every: u64 = every.and_then(|hours| hours.parse().ok()).unwrap_or(24);
    let mut lines = lines.lines();
    names.map(|name| {
        let line = lines.next().unwrap_or_default();
        let Some((backup, age)) = line.split_once(' ') else {
            return Check::new(name, true, "no backup was made yet".to_owned());
        };
        let minutes = age.parse::<u64>().unwrap_or(u64::MAX) / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let text = format!("{backup}, {hours} h {minutes} min ago (every {every} h)");
        Check::new(name, hours >= every * 2, text)
    })
}

fn archive(server: &Server) -> Check {
    match archive::run(server, &["check"]) {
        Ok(state) => Check::new("archive", false, state),
        Err(error) => Check::new("archive", true, format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::of_metrics;
    use crate::metrics::Metrics;

    #[test]
    fn errors_and_waiting_requests_are_abnormal() {
        let states = |requests, errors, waiting| {
            let metrics = Metrics { requests, errors, waiting, ..Metrics::default() };
            let checks = of_metrics(Ok(metrics));
            checks.into_iter().map(|check| check.state).collect::<Vec<_>>()
        };
        assert_eq!(states(1000.0, 20.0, 0.0), ["ok", "ok", "ok"]);
        assert_eq!(states(1000.0, 21.0, 0.0), ["abnormal", "ok", "ok"]);
        assert_eq!(states(10.0, 5.0, 1.0), ["ok", "ok", "abnormal"]);
        assert_eq!(of_metrics(Err(anyhow::anyhow!("no replica")))[0].state, "unknown");
    }
}
