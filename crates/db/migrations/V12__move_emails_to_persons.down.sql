CREATE TABLE emails (
    id uuid DEFAULT gen_random_uuid() CONSTRAINT emails_pkey PRIMARY KEY,
    person_id uuid NOT NULL CONSTRAINT emails_person_id_fkey REFERENCES persons ON DELETE CASCADE,
    address text NOT NULL CONSTRAINT emails_address_length CHECK (char_length(address) BETWEEN 3 AND 254),
    position integer NOT NULL DEFAULT 0
);
CREATE INDEX emails_person_id_id_idx ON emails (person_id, id);
CREATE UNIQUE INDEX emails_person_id_address_key ON emails (person_id, lower(address));
CREATE INDEX emails_lower_address_idx ON emails (lower(address));
INSERT INTO emails (person_id, address, position)
SELECT persons.id, address, position FROM persons, unnest(emails) WITH ORDINALITY AS email (address, position);
ALTER TABLE persons DROP COLUMN emails;
