//! The TLS certificate of nginx: issued by an authority for ACME_DOMAIN, from files, or self-signed.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, bail};

use crate::{
    image::Images,
    rolling_update,
    secret_files::{copy, in_folder, write},
    server::Server,
};
use context::process;

/// The service that gets and renews the certificate for ACME_DOMAIN.
pub const SERVICE: &str = "certificates";

/// Checks that nginx accepts the certificate and key from standard input.
const CHECK_CERTIFICATE: &str = r#"
cat >/pair/pem
tls='ssl_certificate /pair/pem; ssl_certificate_key /pair/pem;'
echo "pid /pair/pid; events {} http { server { listen 8443 ssl; $tls } }" >/pair/conf
nginx -t -q -c /pair/conf -e /dev/stderr
"#;

/// Creates a self-signed certificate in the current folder, which nginx uses until the authority has issued one.
const SELF_SIGNED: &str = r"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 397 -subj /CN=localhost \
    -keyout tls_key -out tls_certificate
chmod 444 tls_key tls_certificate
";

/// Creates a self-signed certificate.
///
/// # Errors
/// The server is remote, and the settings name neither a domain nor the files of a certificate.
pub(super) fn create(server: &Server, image: &str) -> anyhow::Result<()> {
    if server.host.is_none() {
        return self_signed(&server.secrets_folder());
    }
    if server.gets_certificate() {
        process::output(&mut in_folder(server, image, SELF_SIGNED, &[]))?;
        return Ok(());
    }
    bail!(
        "{} does not have a TLS certificate. Set ACME_DOMAIN in .env to get one from Let's Encrypt, or \
         TLS_CERTIFICATE_FILE and TLS_KEY_FILE to local files.",
        server.place()
    );
}

/// Replaces the certificate and the key by those of the authority, by the files in the settings, or on this machine by
/// a self-signed certificate. nginx keeps open connections.
///
/// # Errors
/// nginx does not accept the new certificate, or there is none. The previous certificate is kept.
pub fn rotate(server: &Server, images: &Images) -> anyhow::Result<()> {
    if server.gets_certificate() {
        let service = server.container(SERVICE)?;
        let service = service
            .context("the service `certificates` is not running. Run cargo xtask deploy.")?;
        let forget = ["exec", &service, "rm", "-f", "/certificates/issued-for"];
        process::output(&mut server.docker(forget))?;
        process::output(&mut server.docker(["restart", &service]))?;
        return Ok(());
    }
    if !copy_files(server, &images.proxy)? {
        if server.host.is_some() {
            bail!("set TLS_CERTIFICATE_FILE and TLS_KEY_FILE in .env to the new files");
        }
        self_signed(&server.secrets_folder())?;
    }
    rolling_update::reload(server)
}

/// Removes the service, which may be running from a deployment with ACME_DOMAIN.
pub fn remove_service(server: &Server) -> anyhow::Result<()> {
    if let Some(service) = server.container(SERVICE)? {
        process::output(&mut server.docker(["rm", "--force", &service]))?;
    }
    Ok(())
}

/// Copies the certificate to the server and returns true, if the settings name one.
///
/// # Errors
/// nginx does not accept the certificate. The previous certificate is kept.
pub(super) fn copy_files(server: &Server, image: &str) -> anyhow::Result<bool> {
    let read = |variable| read(server, variable);
    let (certificate, key) = match (read("TLS_CERTIFICATE_FILE")?, read("TLS_KEY_FILE")?) {
        (None, None) => return Ok(false),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => bail!("set both TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or neither"),
    };
    let mut run = server.docker(["run", "--interactive", "--rm", "--network", "none"]);
    run.args(["--user", "0", "--tmpfs", "/pair", "--entrypoint", "sh", image, "-euc"]);
    process::run_with_input(run.arg(CHECK_CERTIFICATE), &format!("{certificate}\n{key}"))
        .context("nginx does not accept the files in TLS_CERTIFICATE_FILE and TLS_KEY_FILE")?;
    copy(server, image, "tls_certificate", &certificate)?;
    copy(server, image, "tls_key", &key)?;
    Ok(true)
}

/// Copies the private CA in ACME_CA_FILE to the server. Without ACME_DOMAIN, no container mounts the file.
pub(super) fn copy_authority(server: &Server, image: &str) -> anyhow::Result<()> {
    if !server.gets_certificate() {
        return Ok(());
    }
    copy(server, image, "acme_ca", &read(server, "ACME_CA_FILE")?.unwrap_or_default())
}

/// Returns the text of the file that a setting names.
fn read(server: &Server, variable: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = server.settings.variable(variable) else { return Ok(None) };
    let path = server.root.join(path);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{variable}: cannot read {}", path.display()))?;
    Ok(Some(text))
}

/// Creates a self-signed certificate for localhost, which browsers do not trust.
fn self_signed(folder: &Path) -> anyhow::Result<()> {
    let new = |name: &str| folder.join(format!("{name}.new"));
    let (key, certificate) = (new("tls_key"), new("tls_certificate"));
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "397", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    process::output(&mut openssl).context(
        "cannot create a certificate for this machine. Install openssl, or set TLS_CERTIFICATE_FILE and TLS_KEY_FILE \
         in .env",
    )?;
    for name in ["tls_key", "tls_certificate"] {
        write(&folder.join(name), &fs::read_to_string(new(name))?)?;
        fs::remove_file(new(name))?;
    }
    Ok(())
}
