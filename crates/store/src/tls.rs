//! TLS: the parameters `sslmode` and `sslrootcert` of the database URL, which tokio-postgres does not support.
//!
//! `sslmode` is `disable` (the default) or `verify-full`. `verify-full` verifies the certificate and the name of the
//! server with the root certificates of the system, or with the file in `sslrootcert`. The other modes of libpq are
//! rejected, because they do not verify the server.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;

/// The TLS settings of a connection.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) mode: SslMode,
    pub(crate) connector: MakeRustlsConnect,
}

/// An error in the TLS parameters of the URL.
#[derive(Debug, thiserror::Error)]
enum TlsError {
    #[error(
        "sslmode={0} does not verify the identity of the server. Use sslmode=verify-full or sslmode=disable"
    )]
    Unchecked(String),
    #[error("cannot read the certificates in {0} (sslrootcert)")]
    Certificates(String, #[source] rustls::pki_types::pem::Error),
    #[error("the file {0} (sslrootcert) does not contain a certificate")]
    NoCertificate(String),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl Tls {
    /// Returns `url` without the TLS parameters, and the TLS settings.
    ///
    /// # Errors
    /// Returns an error if the mode does not verify the server, or if the certificates cannot be read.
    pub(crate) fn from_url(url: &str) -> Result<(String, Self), Error> {
        let (mut mode, mut authorities, mut rest) = ("disable", None, Vec::new());
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => {
                    authorities = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
                }
                _ => rest.push(parameter),
            }
        }
        let url = [base, &rest.join("&")].join(if rest.is_empty() { "" } else { "?" });
        let tls = match mode {
            "disable" => Self::new(SslMode::Disable, RootCertStore::empty()),
            "verify-full" => trusted(authorities).and_then(|it| Self::new(SslMode::Require, it)),
            other => Err(TlsError::Unchecked(other.to_owned())),
        };
        Ok((url, tls.map_err(Error::setting)?))
    }

    fn new(mode: SslMode, authorities: RootCertStore) -> Result<Self, TlsError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Ok(Self { mode, connector: MakeRustlsConnect::new(config) })
    }
}

/// Returns the root certificates in `file`, or the root certificates of the system.
fn trusted(file: Option<String>) -> Result<RootCertStore, TlsError> {
    let mut trusted = RootCertStore::empty();
    let Some(file) = file else {
        trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(trusted);
    };
    let unreadable = |error| TlsError::Certificates(file.clone(), error);
    for certificate in CertificateDer::pem_file_iter(&file).map_err(unreadable)? {
        trusted.add(certificate.map_err(unreadable)?)?;
    }
    if trusted.is_empty() { Err(TlsError::NoCertificate(file)) } else { Ok(trusted) }
}
