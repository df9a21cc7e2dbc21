//! A new user: clones, runs `cargo xtask up`, and looks at the result.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv6Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
};

use crate::harness::{Stack, ask, run};

pub(crate) fn first_up_creates_the_stack_and_prints_its_addresses(stack: &Stack) {
    let (api, engine) = (&stack.environment["API_PORT"], stack.engine.as_str());
    let output = &stack.first_up.stdout;
    for part in [
        &format!("http://localhost:{api}"),
        &format!("http://localhost:{api}/docs"),
        &format!("@127.0.0.1:{}/slipway", stack.environment["POSTGRES_PORT"]),
        &format!("{engine}: set by ENGINE"),
    ] {
        assert!(output.contains(part), "{part} is missing in {output}");
    }

    let mode = fs::metadata(stack.root.join(".env")).expect(".env").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let password = stack.variable("POSTGRES_PASSWORD");
    assert!(password.len() >= 32, "{password}");
    assert!(!output.contains(&password), "{output}");

    assert!(stack.has_person("Ada Lovelace"));
    let landing = stack.page("/");
    let version = stack.schema_version().to_string();
    for (name, value) in [("Profile", "dev"), ("Engine", engine), ("Schema version", &version)] {
        assert!(landing.contains(&format!("<dt>{name}</dt><dd>{value}</dd>")), "{landing}");
    }
    assert!(stack.page("/docs").contains("swagger"));
    assert!(stack.page("/openapi.json").contains(r#""/persons""#));
    localhost_is_both_loopback_addresses(api.parse().expect("a port"));
    run(&mut stack.xtask("logs api")).succeeded().prints("dev-server").never_prints("\u{1b}");
}

pub(crate) fn the_api_and_readers_have_their_own_roles(stack: &Stack) {
    assert!(stack.has_person("Ada Lovelace"));
    let roles = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'store'";
    let roles = ask(stack.xtask("psql -- -At --command").arg(roles));
    assert_eq!(roles, format!("{}_application", stack.variable("POSTGRES_USER")));
    let reader = format!("SET ROLE {}_reader", stack.variable("POSTGRES_USER"));
    let psql = |flag, query| {
        let psql = format!("psql {flag} -- -At --set=ON_ERROR_STOP=1 --command");
        run(stack.xtask(&psql).args([reader.as_str(), "--command", query]))
    };
    psql("", "SELECT name FROM persons").succeeded().prints("Ada Lovelace");
    psql("", "DELETE FROM persons").failed().prints("permission denied");
    psql("--read-only", "DELETE FROM persons").failed().prints("read-only transaction");
}

/// Some clients resolve `localhost` only to ::1.
fn localhost_is_both_loopback_addresses(port: u16) {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return;
    }
    let mut stream =
        TcpStream::connect((Ipv6Addr::LOCALHOST, port)).expect("::1 accepts connections");
    let request = format!(
        "GET /health/ready HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("an open connection");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

pub(crate) fn a_second_up_changes_nothing(stack: &Stack) {
    let look = || {
        let services = ["api", "postgres"].map(|service| stack.identity(service));
        (services, stack.read(".env"))
    };
    let before = look();
    let mut up = stack.command("cargo");
    up.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_BUILD_TARGET").args(["xtask", "up"]);
    run(&mut up).succeeded().prints("already up, and nothing changed");
    assert_eq!(look(), before);
}
