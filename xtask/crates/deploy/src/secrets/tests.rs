//! Tests of the secrets on this machine.

use std::os::unix::fs::MetadataExt;

use super::*;

#[test]
fn folder_is_private_before_the_first_secret_is_written() {
    let root = tempfile::tempdir().expect("a folder");
    // The command fails after it has written the key, because the password is publicly known.
    let env = "POSTGRES_PASSWORD=password\nBACKUP_TARGET=s3://bucket/app\nBACKUP_S3_ENCRYPTION=AES256\n\
        BACKUP_S3_SECRET_ACCESS_KEY=secret\n";
    fs::write(root.path().join(".env"), env).expect("a file");
    let settings = Settings::load(root.path()).expect("settings");
    let server = Server {
        root: root.path(),
        settings: &settings,
        host: None,
        address: "",
        plain_port: 1,
        tls_port: 2,
    };
    ensure(&server, "").expect_err("a known password");
    let folder = server.secrets_folder();
    assert!(folder.join("backup_s3_secret_access_key").exists());
    assert_eq!(fs::metadata(folder).expect("a folder").mode() & 0o777, 0o700);
}
