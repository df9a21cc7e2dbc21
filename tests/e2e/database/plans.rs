//! The most frequent queries keep one plan for all parameter values.

use crate::harness::Database;

const ROWS: &str = "\
INSERT INTO persons (id, name) SELECT gen_random_uuid(), 'Ada' FROM generate_series(1, 2000);
ANALYZE persons;
PREPARE find(uuid[]) AS SELECT id, name FROM persons WHERE id = ANY ((SELECT $1::uuid[])::uuid[]);
PREPARE list(uuid, int) AS SELECT id, name FROM persons WHERE id > $1 ORDER BY id LIMIT (SELECT $2::int)";

const PLANNED: &str = "\
SELECT count(*), sum(custom_plans)::bigint FROM pg_prepared_statements WHERE name IN ('find', 'list')";

/// PostgreSQL plans the first five calls of every prepared statement with the parameter values.
const FIRST: i64 = 5;

#[tokio::test]
async fn finding_and_listing_use_generic_plans() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    client.batch_execute(ROWS).await.expect("rows");
    let ids = client.query("SELECT id::text FROM persons LIMIT 40", &[]).await.expect("rows");
    let ids: Vec<String> = ids.iter().map(|row| row.get(0)).collect();
    for (round, pair) in ids.chunks(2).enumerate() {
        let limit = [21, 51, 101][round % 3];
        let list = format!("EXECUTE list('{}', {limit})", pair[0]);
        let find = format!("EXECUTE find('{{{}}}')", pair.join(","));
        client.batch_execute(&format!("{list}; {find}")).await.expect("both run");
    }
    let planned = client.query_one(PLANNED, &[]).await.expect("a row");
    let (queries, plans): (i64, i64) = (planned.get(0), planned.get(1));
    assert_eq!(queries, 2);
    assert!(plans <= queries * FIRST, "{plans} plans for {queries} queries");
}
