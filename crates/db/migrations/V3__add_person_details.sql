-- The version goes up with every change of a person or its addresses: what an ETag shows.
ALTER TABLE persons
    ADD COLUMN nickname text CONSTRAINT persons_nickname_length CHECK (char_length(nickname) BETWEEN 1 AND 50),
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

-- For the order by name, and for names that begin with a text.
CREATE INDEX persons_lower_name_id_idx ON persons (lower(name) text_pattern_ops, id);

-- For the person with an address.
CREATE INDEX emails_lower_address_idx ON emails (lower(address));
