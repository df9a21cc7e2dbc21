CREATE TABLE emails (
    id uuid CONSTRAINT emails_pkey PRIMARY KEY,
    person_id uuid NOT NULL CONSTRAINT emails_person_id_fkey REFERENCES persons ON DELETE CASCADE,
    address text NOT NULL CONSTRAINT emails_address_length CHECK (char_length(address) BETWEEN 3 AND 254)
);

-- The addresses of a person, in their order; also what the foreign key needs.
CREATE INDEX emails_person_id_id_idx ON emails (person_id, id);

-- Addresses are compared without case, and one person has each only once.
CREATE UNIQUE INDEX emails_person_id_address_key ON emails (person_id, lower(address));
