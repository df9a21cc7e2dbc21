//! Encrypted connections, through a TLS proxy in front of the tests' PostgreSQL.

use std::{fs, net::SocketAddr, sync::Arc};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::harness::{TestApp, problem};

/// The message with which a client requests TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Starts a TLS proxy to `database`, with a certificate for `name` from a new authority. Returns its address and the
/// PEM certificate of the authority.
async fn encrypt(database: SocketAddr, name: &str) -> (SocketAddr, String) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"));
    let authority = authority.expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    let certificate = certificate.signed_by(&key, &authority).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, acceptor.clone(), database));
        }
    });
    (address, authority.pem())
}

async fn pass_on(mut client: TcpStream, acceptor: TlsAcceptor, database: SocketAddr) {
    let mut request = [0; 8];
    let read = client.read_exact(&mut request).await;
    if read.is_err() || request != SSL_REQUEST {
        // The proxy closes unencrypted connections.
        return;
    }
    client.write_all(b"S").await.expect("a waiting client");
    // An error means that the client does not trust the certificate and has disconnected.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut database = TcpStream::connect(database).await.expect("a database");
    let _ = copy_bidirectional(&mut client, &mut database).await;
}

/// Returns the status of `/health/ready` with these parameters in the database URL.
async fn ready(certificate_for: &str, parameters: impl FnOnce(&str) -> String) -> u16 {
    let app = TestApp::spawn().await;
    let url = app.database.url();
    let (user, rest) = url.split_once('@').expect("a user");
    let (host, rest) = rest.split_once('/').expect("a database");
    let database = tokio::net::lookup_host(host).await.expect("a host").next().expect("an address");
    let (proxy, authority) = encrypt(database, certificate_for).await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("authority.pem");
    fs::write(&file, authority).expect("a file");

    let parameters = parameters(file.to_str().expect("UTF-8"));
    let url = format!("{user}@localhost:{}/{rest}&{parameters}", proxy.port());
    let second = TestApp::spawn_sharing_database(&app, &[("DATABASE_URL", &url)]);
    let response = second.get("/health/ready").send().await.expect("a response");
    let status = response.status().as_u16();
    if status != 200 {
        problem(response, 503).await;
    }
    status
}

#[tokio::test]
async fn the_certificate_and_host_name_of_the_database_are_verified() {
    let own = |file: &str| format!("sslmode=verify-full&sslrootcert={file}");
    assert_eq!(ready("localhost", own).await, 200);
    // The authority is trusted, but the certificate is for another host name.
    assert_eq!(ready("elsewhere.example", own).await, 503);
    // The authority is unknown.
    assert_eq!(ready("localhost", |_| "sslmode=verify-full".to_owned()).await, 503);
    assert_eq!(ready("localhost", |_| "sslmode=disable".to_owned()).await, 503);
}
