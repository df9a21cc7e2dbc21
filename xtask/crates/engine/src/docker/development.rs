//! Starts the API of the development stack.

use anyhow::bail;
use context::report;

use super::Docker;

/// The Compose file that publishes the API on ::1 too, and that address in an error message of Docker.
const IPV6: (&str, &str) = ("docker/compose.ipv6.yaml", "[::1]");

/// Messages of cargo in a container that cannot read the source or download crates.
pub(super) const FAILURES: [(&str, &str); 3] = {
    let unreadable = "the user of the containers (UID 1000) cannot read the source. Run `chmod go+rx . \
                      && chmod -R go+rX .cargo Cargo.* crates docker tests xtask`.";
    let untrusted = "cargo in the container does not trust the TLS certificate of a server. If a proxy in your network \
                     replaces certificates, set EXTRA_CA_FILE in .env to a PEM file with the CA of the proxy.";
    [
        ("could not find `Cargo.toml`", unreadable),
        ("Permission denied (os error 13)", unreadable),
        ("SSL certificate problem", untrusted),
    ]
};

impl Docker<'_> {
    /// Starts the container of the API again, because Compose does not notice that a program has changed.
    ///
    /// # Errors
    /// The container does not start, for example because another program uses its port.
    pub(super) fn start_development_api(&self) -> anyhow::Result<()> {
        let start = ["up", "--detach", "--no-deps", "--force-recreate", "api"];
        let with_ipv6 = self.compose().arg("--file").arg(self.project.path(IPV6.0)).args(start);
        let output = with_ipv6.ignore_status().output()?;
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(());
        }
        if !message.contains(IPV6.1) {
            bail!("the API does not start: {}", message.trim());
        }
        // Without IPv6 on this machine, nothing resolves to ::1, and no note is necessary.
        if message.contains("in use") {
            let port = self.api_port;
            report::note(&format!(
                "another program uses [::1]:{port}. Use http://127.0.0.1:{port} instead."
            ));
        }
        let output = self.compose().args(start).ignore_status().output()?;
        if !output.status.success() {
            bail!("the API does not start: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}
