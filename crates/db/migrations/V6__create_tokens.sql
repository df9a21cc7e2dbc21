-- What a request proves itself by: sessions, which log-in makes, and API tokens, which have a name.
CREATE TABLE tokens (
    id uuid CONSTRAINT tokens_pkey PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT tokens_account_id_fkey REFERENCES accounts ON DELETE CASCADE,
    -- SHA-256; the token itself is nowhere.
    hash bytea NOT NULL CONSTRAINT tokens_hash_key UNIQUE,
    -- NULL: a session.
    name text CONSTRAINT tokens_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    scope text NOT NULL CONSTRAINT tokens_scope CHECK (scope IN ('read', 'write')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT tokens_session_expires CHECK (name IS NOT NULL OR expires_at IS NOT NULL)
);

-- The tokens of an account, in their order; also what the foreign key needs.
CREATE INDEX tokens_account_id_id_idx ON tokens (account_id, id);
