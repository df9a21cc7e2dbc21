DROP INDEX emails_lower_address_idx;
DROP INDEX persons_lower_name_id_idx;
ALTER TABLE persons DROP COLUMN nickname, DROP COLUMN version, DROP COLUMN updated_at;
