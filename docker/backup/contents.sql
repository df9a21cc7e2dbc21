-- Describes the contents of a database: a line for each table with its name, its number of rows and a hash of
-- the rows in any order, and a line for each sequence. Databases with the same lines have the same contents.
-- Run with psql: `psql -XAtq -f contents.sql`.
SELECT count(set_config(name, value, false)) AS ignored FROM (VALUES
    -- Settings that change how values are shown as text.
    ('datestyle', 'ISO'), ('intervalstyle', 'postgres'), ('timezone', 'UTC'),
    ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('xmloption', 'content'),
    -- A large table may take as long as it needs.
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
