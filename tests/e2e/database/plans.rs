//! The statements that a server runs most are planned once, whatever their values are.

use db::{
    Connection,
    persons::{self, Filter, Order},
};

use crate::harness::{Database, config};

const ROWS: &str = "\
INSERT INTO persons (id, name) SELECT gen_random_uuid(), 'Ada' FROM generate_series(1, 2000);
INSERT INTO emails (id, person_id, address) SELECT gen_random_uuid(), id, 'ada@example.com' FROM persons;
ANALYZE persons, emails";

const PLANNED: &str = "\
SELECT count(*), sum(custom_plans)::bigint FROM pg_prepared_statements
WHERE statement LIKE '-- db::persons::%'";

/// For its first five calls, PostgreSQL plans every statement anew, to learn what that saves.
const FIRST: i64 = 5;

#[tokio::test]
async fn finds_and_pages_keep_their_plans() {
    let database = Database::migrated().await;
    database.connect().await.batch_execute(ROWS).await.expect("rows");
    let pool = db::Database::new(&config(&database, &[]).database).expect("usable settings");
    let client = pool.client().await.expect("a connection");
    let ids: Vec<_> = {
        let all = persons::list(&client, &Filter::default(), &Order::Creation(None), 20).await;
        all.expect("a page").into_iter().map(|person| person.id).collect()
    };
    for round in 0..20 {
        // Two at once, as few as on a server that has little to do.
        let some = &ids[round % 18..][..2];
        assert_eq!(persons::find_many(&client, some).await.expect("persons").len(), 2);
        for limit in [20, 50, 100] {
            let after = Order::Creation(Some(ids[round % 18]));
            let page = persons::list(&client, &Filter::default(), &after, limit).await;
            assert_eq!(page.expect("a page").len(), limit as usize);
        }
    }
    let planned = client.query(PLANNED, &[]).await.expect("rows").remove(0);
    let (statements, plans): (i64, i64) = (planned.get(0), planned.get(1));
    assert_eq!(statements, 4);
    assert!(plans <= statements * FIRST, "{plans} plans for {statements} statements");
}
