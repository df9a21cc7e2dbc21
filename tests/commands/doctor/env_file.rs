//! Problems with `.env` from manual edits, editors and other systems.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
};

use super::{Copy, Diagnosis, assert_fixed, examine};
use crate::harness::{Stack, ask};

pub(crate) fn a_missing_env_is_created(_: &Stack) {
    let copy = Copy::new();
    fs::remove_file(copy.root.join(".env")).expect(".env");
    assert_fixed(&copy, "env-missing", "no .env");
    assert_ne!(copy.variable("POSTGRES_PASSWORD"), "slipway");
}

pub(crate) fn an_env_with_windows_encoding_or_line_ends_is_fixed(_: &Stack) {
    let copy = Copy::new();
    let text = copy.read(".env");
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    for (bytes, check) in [
        ([b"\xff\xfe".to_vec(), utf16.collect()].concat(), "env-encoding"),
        ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "env-encoding"),
        (text.replace('\n', "\r\n").into_bytes(), "env-crlf"),
    ] {
        fs::write(copy.root.join(".env"), bytes).expect("a file");
        assert_fixed(&copy, check, ".env ");
        assert_eq!(copy.read(".env"), text);
    }
}

pub(crate) fn repeated_misspelt_and_missing_variables_are_fixed(_: &Stack) {
    let copy = Copy::new();
    let text = copy.read(".env");
    for (check, says, broken) in [
        ("env-repeated", "RUST_LOG", format!("RUST_LOG=debug\n{text}")),
        ("env-misspelt", "did you mean API_PORT", text.replace("\nAPI_PORT=", "\nAPI_PROT=")),
        ("env-incomplete", "API_DOCS", text.replace("\nAPI_DOCS=true", "")),
    ] {
        assert_ne!(broken, text, "{check}");
        copy.write(".env", &broken);
        assert_fixed(&copy, check, says);
        let values = |text: &str| {
            let set = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            let mut set: Vec<_> = set.map(str::to_owned).collect();
            set.sort();
            set
        };
        assert_eq!(values(&copy.read(".env")), values(&text), "{check}");
    }
}

pub(crate) fn a_world_readable_env_is_fixed(_: &Stack) {
    let copy = Copy::new();
    let path = copy.root.join(".env");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("a mode");
    assert_fixed(&copy, "env-mode", "644");
    let mode = fs::metadata(path).expect(".env").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

pub(crate) fn a_tracked_env_is_removed_from_git_only(_: &Stack) {
    let copy = Copy::new();
    let git = |words: &str| {
        let mut git = Command::new("git");
        // git would refuse to work if another user owns the temporary folder.
        git.args(["-c", "safe.directory=*"]).args(words.split(' '));
        ask(git.current_dir(&copy.root))
    };
    git("init --quiet");
    git("add --force .env");
    assert_fixed(&copy, "env-in-git", "git tracks .env");
    assert_eq!(git("ls-files"), "");
    assert_ne!(copy.read(".env"), "");
}

pub(crate) fn invalid_values_are_reported_without_passwords(_: &Stack) {
    let copy = Copy::new();
    let text = copy.read(".env");
    let password = copy.variable("POSTGRES_PASSWORD");
    // Reads the actual port, because it differs from `.env.example` if that port is in use.
    let api = format!("API_PORT={}", copy.variable("API_PORT"));
    let same = format!("API_PORT={}", copy.variable("POSTGRES_PORT"));
    for (check, says, broken) in [
        ("env-malformed", "line 1 of .env", format!("secret with spaces\n{text}")),
        ("env-value", "API_PORT=99999", text.replace(&api, "API_PORT=99999")),
        ("env-value", "POSTGRES_PASSWORD", text.replace(&password, "secret/1")),
        ("env-value", "are the same", text.replace(&api, &same)),
        (
            "env-value",
            "API_BODY_LIMIT_BYTES",
            text.replace("API_BODY_LIMIT_BYTES=1048576", "API_BODY_LIMIT_BYTES=much"),
        ),
        ("env-unknown", "COLOUR", format!("{text}COLOUR=blue\n")),
    ] {
        assert_ne!(broken, text, "{says}");
        copy.write(".env", &broken);
        let diagnosis = examine(&copy);
        diagnosis.finds(check, says);
        assert!(!diagnosis.0.to_string().contains("secret"), "{:#}", diagnosis.0);
    }
    for (file, says) in [("/nowhere.pem", "cannot be read"), ("README.md", "no certificate")] {
        let mut doctor = copy.xtask("doctor --json");
        copy.write(".env", &text);
        Diagnosis::of(doctor.env("EXTRA_CA_FILE", file)).finds("extra-ca", says);
    }
    let mut doctor = copy.xtask("doctor --json");
    Diagnosis::of(doctor.env("POSTGRES_PASSWORD", "another")).finds("shell", "POSTGRES_PASSWORD");
    for name in ["DATABASE_URL", "DEPLOY_HOST", "PG_CLUSTER", "REDIS_URL"] {
        let mut doctor = copy.xtask("doctor --json");
        Diagnosis::of(doctor.env(name, "redis://other")).finds("shell", name);
    }
}

pub(crate) fn the_default_password_is_replaced(_: &Stack) {
    let copy = Copy::new();
    let password = copy.variable("POSTGRES_PASSWORD");
    copy.write(".env", &copy.read(".env").replace(&password, "slipway"));
    assert_fixed(&copy, "env-password", "public password");
    assert_eq!(copy.variable("POSTGRES_PASSWORD").len(), password.len());
}
