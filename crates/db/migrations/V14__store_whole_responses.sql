-- Stores the status and the headers of a response too, so that a repeated request gets exactly the first response.
-- The defaults describe the rows of earlier releases, which stored only the body of a 201.
ALTER TABLE idempotency_keys
    ADD COLUMN status smallint NOT NULL DEFAULT 201,
    ADD COLUMN headers jsonb NOT NULL DEFAULT '{"content-type": "application/json"}';
