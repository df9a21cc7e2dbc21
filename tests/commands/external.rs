//! The engine external: the API runs on a database that someone else runs.

use std::fs;

use crate::harness::{Checkout, Stack, ask, run};

/// The stack's own server is the server of someone else. The user of the URL may not create databases.
pub(crate) fn up_serves_a_database_of_another_server(stack: &Stack) {
    let psql = |query: &str| ask(stack.xtask("psql -- -XAtqc").arg(query));
    psql("CREATE ROLE guest LOGIN PASSWORD 'guest%word'");
    psql("CREATE DATABASE shop OWNER guest");
    // A managed server may not allow connections to the maintenance database.
    psql("REVOKE CONNECT ON DATABASE postgres FROM public");
    let mut checkout = Checkout::new(stack.engine);
    checkout.environment.insert("ENGINE", "external".to_owned());
    // The shell does not select the database.
    let port = &stack.environment["POSTGRES_PORT"];
    let url = |parameters: &str| {
        format!("postgresql://guest:guest%25word@127.0.0.1:{port}/shop{parameters}")
    };
    run(checkout.xtask("up").env("DATABASE_URL", url("")))
        .failed()
        .prints("Set DATABASE_URL in .env");
    let set = |parameters: &str| {
        let text = checkout.read(".env");
        let is_url = |line: &&str| line.starts_with("DATABASE_URL=");
        let old = text.lines().find(is_url).expect("a line with the URL");
        checkout.write(".env", &text.replace(old, &format!("DATABASE_URL={}", url(parameters))));
    };
    set("?sslmode=require");
    run(&mut checkout.xtask("up")).failed().prints("sslmode=verify-full").never_prints("guest%");
    run(&mut checkout.xtask("down")).succeeded();

    set("");
    run(&mut checkout.xtask("up"))
        .succeeded()
        .prints("set by ENGINE; the database is on 127.0.0.1")
        .prints(format!("postgresql://guest@127.0.0.1:{port}/shop"))
        .never_prints("guest%");
    assert!(!checkout.root.join(".slipway/postgres").exists(), "a cluster was created");
    let count = || ask(checkout.xtask("psql -- -XAtqc").arg("SELECT count(*) FROM persons"));
    assert_eq!(count(), "12");
    run(&mut checkout.xtask("up")).succeeded().prints("already up, and nothing changed");
    run(&mut checkout.xtask("status"))
        .succeeded()
        .prints("external")
        .prints("0 migrations pending");
    run(&mut checkout.xtask("restart")).succeeded();
    let dump = checkout.root.join("shop.dump");
    run(checkout.xtask("db dump").arg(&dump)).succeeded().prints("dumped shop");
    assert!(fs::metadata(dump).expect("the dump").len() > 0);

    for (words, reason) in [
        ("db snapshot save", "db snapshot"),
        ("db branch list", "db branch"),
        ("db upgrade", "db upgrade"),
        ("db backup", "a backup is not possible"),
        ("restart postgres", "postgres"),
        ("migrate down --yes", "--no-snapshot"),
        ("recreate-db --yes", "--external"),
        // The user may not create databases.
        ("recreate-db --yes --external", "permission denied"),
    ] {
        run(&mut checkout.xtask(words)).failed().prints(reason);
        assert_eq!(count(), "12", "{words}");
    }
    psql("ALTER ROLE guest CREATEDB");
    psql("GRANT CONNECT ON DATABASE postgres TO public");
    run(&mut checkout.xtask("recreate-db --yes --external --empty")).succeeded();
    assert_eq!(count(), "0");

    run(&mut checkout.xtask("down --volumes --yes")).succeeded().prints("the database is kept");
    assert_eq!(psql("SELECT count(*) FROM pg_database WHERE datname = 'shop'"), "1");
    assert_eq!(checkout.processes(), [""; 0]);
    fs::remove_file(checkout.root.join(".env")).expect(".env");
    psql("DROP DATABASE shop");
    psql("DROP ROLE guest");
}
