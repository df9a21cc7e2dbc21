//! Tests that read settings from tables instead of the process environment.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, Errors> {
    Config::from_lookup(&|name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn only_the_database_url_is_required() {
    let config = read(&[("DATABASE_URL", "postgresql://localhost/x")]).expect("usable settings");
    assert_eq!(config.profile, Profile::Dev);
    assert_eq!(config.server.listen, Listen::Address(([127, 0, 0, 1], 5000).into()));
    assert_eq!(config.database.url.expose(), "postgresql://localhost/x");
}

#[test]
fn listen_stdin_uses_the_inherited_socket() {
    let config = read(&[("DATABASE_URL", "postgresql://x"), ("API_LISTEN", "stdin")]);
    assert_eq!(config.expect("usable settings").server.listen, Listen::Stdin);
}

#[test]
fn listen_uses_port_unless_api_listen_is_set() {
    let listen = |variables: &[(&str, &str)]| {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Listen::from_lookup(&lookup).expect("usable settings")
    };
    let everywhere = Listen::Address(([0, 0, 0, 0], 8080).into());
    assert_eq!(listen(&[("PORT", "8080")]), everywhere);
    let here = Listen::Address(([127, 0, 0, 1], 7000).into());
    assert_eq!(listen(&[("PORT", "8080"), ("API_LISTEN", "127.0.0.1:7000")]), here);
}

#[test]
fn errors_name_all_bad_variables_and_no_value() {
    let errors = read(&[
        ("APP_ENV", "prod"),
        ("API_LISTEN", "localhost"),
        ("PORT", "65536"),
        ("DATABASE_POOL_SIZE", "0"),
        ("API_ADMIN_LISTEN", "9090"),
        ("API_CORS_ORIGINS", "https://a.example, *"),
        ("API_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("API_WORKER_THREADS", "0"),
        ("API_MAX_CONNECTIONS", "0"),
        ("API_HEADER_TIMEOUT_SECONDS", "0"),
        ("API_DRAIN_SECONDS", "-1"),
        ("API_SHUTDOWN_SECONDS", "soon"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.1"),
    ])
    .expect_err("unusable settings");
    let named: Vec<_> = errors.0.iter().map(|problem| problem.variable).collect();
    let expected = [
        "APP_ENV",
        "API_LISTEN",
        "PORT",
        "API_ADMIN_LISTEN",
        "API_CORS_ORIGINS",
        "API_TRUSTED_PROXIES",
        "API_WORKER_THREADS",
        "API_MAX_CONNECTIONS",
        "API_HEADER_TIMEOUT_SECONDS",
        "API_DRAIN_SECONDS",
        "API_SHUTDOWN_SECONDS",
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    assert_eq!(named, expected);
    assert!(!errors.to_string().contains("soon"), "{errors}");
}

#[test]
fn cors_origins_are_exact_and_comma_separated() {
    let read = |origins: &str| {
        let config = read(&[("DATABASE_URL", "postgresql://x"), ("API_CORS_ORIGINS", origins)]);
        config.map(|config| config.server.cors_origins)
    };
    assert_eq!(read(""), Ok(vec![]));
    let two = ["https://a.example", "http://localhost:3000"].map(str::to_owned).to_vec();
    assert_eq!(read("https://a.example, http://localhost:3000,"), Ok(two));
    for wrong in
        ["*", "null", "a.example", "https://", "https://a.example/", "https://*.a", "https://A.x"]
    {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_empty_value_counts_as_absent() {
    let errors = read(&[("DATABASE_URL", "")]).expect_err("no URL");
    assert_eq!(errors.0[0].reason, "is missing");
}

#[test]
fn secret_is_read_from_a_file_and_hidden_in_debug() {
    let file = std::env::temp_dir().join(format!("slipway-secret-{}", std::process::id()));
    std::fs::write(&file, "postgresql://u:hunter2@db/x\n").expect("a writable temporary folder");
    let config = read(&[("DATABASE_URL_FILE", &file.to_string_lossy())]);
    std::fs::remove_file(&file).expect("the file just written");
    let config = config.expect("usable settings");
    assert_eq!(config.database.url.expose(), "postgresql://u:hunter2@db/x");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn redis_url_is_optional_and_secret() {
    let file = std::env::temp_dir().join(format!("slipway-redis-{}", std::process::id()));
    std::fs::write(&file, "rediss://:hunter2@redis:6379\n").expect("a writable temporary folder");
    let url = ("DATABASE_URL", "postgresql://x");
    let config = read(&[url, ("REDIS_URL_FILE", &file.to_string_lossy())]);
    std::fs::remove_file(&file).expect("the file just written");
    let config = config.expect("usable settings");
    assert!(!format!("{config:?}").contains("hunter2"));
    let stored = config.redis_url.expect("a URL");
    assert_eq!(stored.expose(), "rediss://:hunter2@redis:6379");
    assert!(read(&[url]).expect("usable settings").redis_url.is_none());
    for wrong in ["redis:6379", "redis://", "http://:hunter2@redis"] {
        let errors = read(&[url, ("REDIS_URL", wrong)]).expect_err(wrong);
        assert_eq!(errors.0[0].variable, "REDIS_URL");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
}

#[test]
fn setting_comes_from_a_variable_or_a_file_but_not_both() {
    let file = std::env::temp_dir().join(format!("slipway-setting-{}", std::process::id()));
    std::fs::write(&file, "7\n").expect("a writable temporary folder");
    let path = file.to_string_lossy().into_owned();
    let url = ("DATABASE_URL", "postgresql://x");
    let once = read(&[url, ("DATABASE_POOL_SIZE_FILE", &path)]);
    let twice = read(&[url, ("DATABASE_POOL_SIZE_FILE", &path), ("DATABASE_POOL_SIZE", "7")]);
    std::fs::write(&file, "\n").expect("a writable temporary folder");
    let empty = read(&[("DATABASE_URL_FILE", &path)]);
    std::fs::remove_file(&file).expect("the file just written");
    assert_eq!(once.expect("usable settings").database.pool_size, 7);
    assert!(twice.expect_err("two values").0[0].reason.contains("are both set"));
    let reasons: Vec<_> = empty.expect_err("no URL").0.into_iter().map(|it| it.reason).collect();
    assert_eq!(reasons, [format!("is empty in the file {path}")]);
}

#[test]
fn production_rejects_a_well_known_password() {
    let production = |url: &str| {
        let read = read(&[("APP_ENV", "production"), ("DATABASE_URL", url)]);
        read.map(|_| ()).map_err(|errors| errors.0[0].variable)
    };
    for url in [
        "postgresql://slipway:slipway@postgres:5432/slipway",
        "postgresql://slipway:@postgres/slipway",
        "host=postgres user=slipway password=changeme",
    ] {
        assert_eq!(production(url), Err("DATABASE_URL"), "{url}");
    }
    for url in
        ["postgresql://u:b7c1@db/x?sslmode=require", "host=/tmp user=u", "postgresql://u@db/x"]
    {
        assert_eq!(production(url), Ok(()), "{url}");
    }
}

#[test]
fn network_contains_addresses_with_its_prefix() {
    for (network, address, is_inside) in [
        ("10.0.0.0/8", "10.255.1.2", true),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("192.168.1.2", "192.168.1.3", false),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "fe80::1", false),
        ("::/0", "10.0.0.1", false),
    ] {
        let network: Network = network.parse().expect("a network");
        assert_eq!(
            network.contains(address.parse().expect("an address")),
            is_inside,
            "{network:?}"
        );
    }
}
