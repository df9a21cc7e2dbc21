//! Production secrets, which are generated once on the server and stored there as files.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, bail};

use crate::server::Server;
use context::{process, settings::Settings};

/// Creates the missing secrets in the current folder. The password never leaves the server.
const GENERATE: &str = r#"
umask 022
chmod 700 .
if [ ! -s postgres_password ]; then
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >postgres_password
fi
if [ ! -s database_url ]; then
    printf 'postgresql://%s:%s@postgres:5432/%s' "$1" "$(cat postgres_password)" "$2" >database_url
fi
[ -s tls_certificate ] && [ -s tls_key ] || echo no certificate
"#;

/// Checks that nginx accepts the certificate and key from standard input.
const CHECK_CERTIFICATE: &str = r#"
cat >/pair/pem
tls='ssl_certificate /pair/pem; ssl_certificate_key /pair/pem;'
echo "pid /pair/pid; events {} http { server { listen 8443 ssl; $tls } }" >/pair/conf
nginx -t -q -c /pair/conf -e /dev/stderr
"#;

/// Creates the missing secrets and copies the certificate to the server.
///
/// # Errors
/// A remote server does not have a certificate, or nginx does not accept the new certificate.
pub fn ensure(server: &Server, image: &str) -> anyhow::Result<()> {
    let Settings { user, database, .. } = server.settings;
    copy_certificate(server, image)?;
    copy_store_key(server, image)?;
    let output = if server.host.is_none() {
        generate_locally(server)?
    } else {
        process::output(&mut in_folder(server, image, GENERATE, &[user, database]))?
    };
    if output.is_empty() {
        return Ok(());
    }
    if server.host.is_some() {
        bail!(
            "{} does not have a TLS certificate. Set TLS_CERTIFICATE_FILE and TLS_KEY_FILE in .env to local files.",
            server.place()
        );
    }
    self_signed(&server.secrets_folder())
}

/// Does the work of [`GENERATE`] on this machine, with the password from `.env`, which the local database uses.
fn generate_locally(server: &Server) -> anyhow::Result<String> {
    let folder = server.secrets_folder();
    let Settings { user, password, database, .. } = server.settings;
    let is_example = ["slipway", "postgres", "password"].contains(&password.as_str());
    let url = server.settings.variable("DATABASE_URL");
    if url.is_none() && is_example {
        bail!(
            "POSTGRES_PASSWORD in .env is missing or publicly known. Generate a password with `openssl rand -hex 24`, \
             or run `cargo xtask doctor --fix`."
        );
    }
    fs::create_dir_all(&folder)?;
    #[cfg(unix)]
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let url =
        url.unwrap_or_else(|| format!("postgresql://{user}:{password}@postgres:5432/{database}"));
    write(&folder.join("postgres_password"), password)?;
    write(&folder.join("database_url"), &url)?;
    let is_there = |name: &str| fs::metadata(folder.join(name)).is_ok_and(|it| it.len() > 0);
    let has_certificate = is_there("tls_certificate") && is_there("tls_key");
    Ok(if has_certificate { String::new() } else { "no certificate".to_owned() })
}

/// Writes a file that every user can read, because containers run as other users. The folder restricts access. The file
/// is overwritten in place, because containers have mounted it.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = || {
        #[cfg(unix)]
        if path.exists() {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        }
        fs::write(path, text)?;
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
        std::io::Result::Ok(())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

/// Copies the certificate to the server if the settings name a certificate.
///
/// # Errors
/// nginx does not accept the certificate. The previous certificate is kept.
fn copy_certificate(server: &Server, image: &str) -> anyhow::Result<()> {
    let read = |variable: &str| -> anyhow::Result<Option<String>> {
        let Some(path) = server.settings.variable(variable) else { return Ok(None) };
        let path = server.root.join(path);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{variable}: cannot read {}", path.display()))?;
        Ok(Some(text))
    };
    let (certificate, key) = match (read("TLS_CERTIFICATE_FILE")?, read("TLS_KEY_FILE")?) {
        (None, None) => return Ok(()),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => bail!("set both TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or neither"),
    };
    let mut run = server.docker(["run", "--interactive", "--rm", "--network", "none"]);
    run.args(["--user", "0", "--tmpfs", "/pair", "--entrypoint", "sh", image, "-euc"]);
    process::run_with_input(run.arg(CHECK_CERTIFICATE), &format!("{certificate}\n{key}"))
        .context("nginx does not accept the files in TLS_CERTIFICATE_FILE and TLS_KEY_FILE")?;
    copy(server, image, "tls_certificate", &certificate)?;
    copy(server, image, "tls_key", &key)
}

/// Copies the secret key of the store in BACKUP_TARGET to the server. Without a target, no container mounts the file.
fn copy_store_key(server: &Server, image: &str) -> anyhow::Result<()> {
    if server.settings.variable("BACKUP_TARGET").is_none() {
        return Ok(());
    }
    let key = server.settings.variable("BACKUP_S3_SECRET_ACCESS_KEY").unwrap_or_default();
    copy(server, image, "backup_s3_secret_access_key", &key)
}

/// Writes a file in the secrets folder of the server.
fn copy(server: &Server, image: &str, name: &str, text: &str) -> anyhow::Result<()> {
    if server.host.is_none() {
        fs::create_dir_all(server.secrets_folder())?;
        return write(&server.secrets_folder().join(name), text);
    }
    let mut copy = in_folder(server, image, r#"umask 022; cat >"$1""#, &[name]);
    process::run_with_input(&mut copy, text)
        .with_context(|| format!("cannot copy {name} to {}", server.place()))
}

/// Returns a command that runs a shell script in the secrets folder of the server.
fn in_folder(server: &Server, image: &str, script: &str, arguments: &[&str]) -> Command {
    let mount = format!("{}:/secrets", server.secrets_folder().display());
    let mut run = server.docker(["run", "--interactive", "--rm", "--network", "none"]);
    run.args(["--user", "0", "--volume", &mount, "--workdir", "/secrets", "--entrypoint", "sh"])
        .args([image, "-euc", script, "sh"])
        .args(arguments);
    run
}

/// Creates a self-signed certificate for localhost, which browsers do not trust.
fn self_signed(folder: &Path) -> anyhow::Result<()> {
    let (key, certificate) = (folder.join("tls_key"), folder.join("tls_certificate"));
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
    #[cfg(unix)]
    for path in [key, certificate] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
    }
    Ok(())
}
