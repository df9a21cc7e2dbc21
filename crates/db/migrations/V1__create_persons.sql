-- Ids are UUIDs of version 7, made by the server: sorted by id is sorted by creation.
CREATE TABLE persons (
    id uuid CONSTRAINT persons_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT persons_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now()
);
