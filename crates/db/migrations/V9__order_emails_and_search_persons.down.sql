DROP INDEX persons_search_idx;
ALTER TABLE emails DROP COLUMN position, ALTER COLUMN id DROP DEFAULT;
DROP FUNCTION jsonb_merge_patch;
