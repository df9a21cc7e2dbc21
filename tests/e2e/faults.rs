//! PostgreSQL is killed, paused and restarted under load: responses stay correct and in time, every write is
//! stored exactly once, and the API recovers.

mod load;

use std::{collections::HashMap, sync::Arc};

use tokio::task::{JoinSet, block_in_place};

use crate::harness::{Database, OwnPostgres, TestApp};
use load::{Client, Load};

const CLIENTS: usize = 16;

const LIMITS: [(&str, &str); 3] = [
    ("API_REQUEST_TIMEOUT_SECONDS", "3"),
    ("DATABASE_WAIT_SECONDS", "2"),
    ("DATABASE_POOL_SIZE", "8"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long"]
async fn postgres_killed_under_load() {
    survives(&["kill", "start"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long"]
async fn postgres_paused_under_load() {
    survives(&["pause", "continue"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long"]
async fn postgres_restarted_under_load() {
    survives(&["restart"]).await;
}

/// Runs the load during these faults. After the last fault, PostgreSQL runs again.
async fn survives(faults: &[&str]) {
    let mut postgres = block_in_place(OwnPostgres::start);
    let app = TestApp::spawn_on(Database::own(&postgres), &LIMITS);
    app.store_identities().await;
    let load = Arc::new(Load::new(app));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(Client::new(load.clone(), number).run());
    }

    load.wait_for_successes(20 * CLIENTS).await;
    for (number, fault) in faults.iter().enumerate() {
        if number > 0 {
            // Waits until requests have failed because of their timeouts.
            load.wait_for_failures(CLIENTS).await;
        }
        block_in_place(|| postgres.apply_fault(fault));
    }
    load.wait_for_recovery(20 * CLIENTS).await;
    load.stop();
    let clients = clients.join_all().await;

    let database = load.app.database.connect().await;
    let rows = database.query("SELECT name, count(*) FROM persons GROUP BY name", &[]).await;
    let stored: HashMap<String, i64> =
        rows.expect("rows").iter().map(|row| (row.get(0), row.get(1))).collect();
    for client in clients {
        client.check(&stored);
    }
}
