-- migrate: no transaction
-- The search for the beginning of a name is gone.
DROP INDEX CONCURRENTLY IF EXISTS persons_lower_name_id_idx;
