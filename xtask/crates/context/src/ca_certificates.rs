//! The CA certificates that containers trust while they download crates.

use std::{env, fs, path::PathBuf};

use anyhow::Context;
use pem::Pem;

use crate::{project::Project, settings::Settings};

/// Returns the file of the certificates: EXTRA_CA_FILE, or the file that [`write()`] creates.
pub fn file(project: &Project, settings: &Settings) -> PathBuf {
    match settings.variable("EXTRA_CA_FILE") {
        Some(file) => project.path(&file),
        None => project.runtime("ca.pem"),
    }
}

/// Writes the certificates that programs of this machine trust, unless EXTRA_CA_FILE names a file. A download in a
/// container then works behind a proxy that this machine trusts. The source is the file in CARGO_HTTP_CAINFO or
/// SSL_CERT_FILE, or else the store of the operating system.
///
/// # Errors
/// The file in CARGO_HTTP_CAINFO cannot be read.
pub fn write(project: &Project, settings: &Settings) -> anyhow::Result<()> {
    if settings.variable("EXTRA_CA_FILE").is_some() {
        return Ok(());
    }
    let text = match env::var("CARGO_HTTP_CAINFO") {
        Ok(path) if !path.is_empty() => fs::read_to_string(&path)
            .with_context(|| format!("cannot read the file in CARGO_HTTP_CAINFO, {path}"))?,
        _ => {
            // Errors are ignored. Without the store, containers trust only the authorities in their image.
            let trusted = rustls_native_certs::load_native_certs().certs;
            let trusted = trusted.iter().map(|it| Pem::new("CERTIFICATE", it.as_ref()));
            pem::encode_many(&trusted.collect::<Vec<_>>())
        }
    };
    let file = file(project, settings);
    // Running containers have mounted the file, so it changes only with the certificates.
    if fs::read_to_string(&file).is_ok_and(|current| current == text) {
        return Ok(());
    }
    fs::create_dir_all(file.parent().unwrap_or(&project.root))?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}
