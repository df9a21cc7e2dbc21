-- What is in a database, one line a table: its name, its number of rows, and a hash of them all that
-- their order does not change; and a line for each sequence. Two databases with the same lines hold
-- the same. For psql: `psql -XAtq -f contents.sql`.
SELECT count(set_config(name, value, false)) AS ignored FROM (VALUES
    -- What shows a value as text is the same everywhere.
    ('datestyle', 'ISO'), ('intervalstyle', 'postgres'), ('timezone', 'UTC'),
    ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('xmloption', 'content'),
    -- The largest table has the time that it takes.
    ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0')
) AS setting (name, value) \gset

SELECT format(
    'SELECT %L, count(*), coalesce(sum(hashtextextended((r.*)::text COLLATE "C", 0)::numeric), 0) FROM ONLY %s r',
    oid::regclass, oid::regclass)
FROM pg_class
WHERE relkind = 'r' AND relpersistence <> 't'
    AND relnamespace NOT IN (SELECT oid FROM pg_namespace
        WHERE nspname = 'information_schema' OR nspname LIKE 'pg\_%')
ORDER BY oid::regclass::text COLLATE "C" \gexec

SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, 0), 0
FROM pg_sequences ORDER BY 1;
