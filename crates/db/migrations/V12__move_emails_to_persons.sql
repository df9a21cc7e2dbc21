-- The e-mail addresses of a person become a list in its row, in lower case.
ALTER TABLE persons ADD COLUMN emails text[] NOT NULL DEFAULT '{}'
    CONSTRAINT persons_emails_count CHECK (cardinality(emails) <= 20);
UPDATE persons SET emails = ARRAY(
    SELECT lower(address) FROM emails WHERE person_id = persons.id ORDER BY position, id LIMIT 20
);
-- migrate: allow drop-table: the update above copied the rows; no earlier release of this template runs anywhere
DROP TABLE emails;
