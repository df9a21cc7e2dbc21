-- What was answered to a request with an Idempotency-Key, for as long as clients may repeat it.
CREATE TABLE idempotency_keys (
    key text CONSTRAINT idempotency_keys_pkey PRIMARY KEY,
    -- Tells a repeated request from another one with the same key.
    fingerprint bytea NOT NULL,
    -- NULL only inside the transaction that does the work.
    answer text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
