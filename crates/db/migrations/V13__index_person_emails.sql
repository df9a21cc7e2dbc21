-- migrate: no transaction
-- Finds persons by an e-mail address.
CREATE INDEX CONCURRENTLY IF NOT EXISTS persons_emails_idx ON persons USING gin (emails);
