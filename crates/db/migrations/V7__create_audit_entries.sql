-- Who changed what, and when. No foreign keys: an entry outlives what it tells of.
CREATE TABLE audit_entries (
    -- A UUID of version 7: sorted by id is sorted by time.
    id uuid CONSTRAINT audit_entries_pkey PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    -- NULL: a command on the server.
    account_id uuid,
    -- NULL also where a password was the proof.
    token_id uuid,
    -- The operation, as the API's document names it.
    action text NOT NULL,
    resource text NOT NULL,
    resource_id uuid NOT NULL
);

CREATE INDEX audit_entries_resource_id_idx ON audit_entries (resource, id);
