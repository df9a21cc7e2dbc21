-- migrate: no transaction
-- Full-text search of persons.
CREATE INDEX CONCURRENTLY IF NOT EXISTS persons_search_idx
    ON persons USING gin (to_tsvector('simple', name || ' ' || coalesce(nickname, '')));
