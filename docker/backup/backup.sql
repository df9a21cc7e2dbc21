-- Writes a dump and its manifest from the same snapshot, which this transaction exports to pg_dump.
-- For psql, with FOLDER (the output folder) and CONTENTS (the path of contents.sql) in the environment.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT set_config('idle_in_transaction_session_timeout', '0', true) AS ignored,
    pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --format=custom --snapshot="$SNAPSHOT" --file="$FOLDER/database.dump" && touch "$FOLDER/dumped"
\getenv contents CONTENTS
\getenv folder FOLDER
\set lines :folder '/contents'
\o :lines
\i :contents
\o
\set manifest :folder '/manifest.json'
\set lines `cat "$FOLDER/contents"`
\set checksum `sha256sum <"$FOLDER/database.dump" | cut -d " " -f 1`
\set bytes `wc -c <"$FOLDER/database.dump"`
\set pg_dump `pg_dump --version`
\o :manifest
SELECT jsonb_pretty(jsonb_build_object(
    'database', current_database(),
    'taken_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'server', current_setting('server_version'),
    'pg_dump', trim(:'pg_dump'),
    'schema_version', (SELECT max(version) FROM refinery_schema_history),
    'bytes', trim(:'bytes')::bigint,
    'sha256', :'checksum',
    'contents', (SELECT jsonb_object_agg(split_part(line, '|', 1), jsonb_build_object(
        'rows', split_part(line, '|', 2)::bigint, 'hash', split_part(line, '|', 3)))
        FROM regexp_split_to_table(trim(E'\n' FROM :'lines'), '\n') AS line)
));
\o
COMMIT;
