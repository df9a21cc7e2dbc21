-- Leads from a change to the lines of the log. NULL: a command on the server, or older than this.
ALTER TABLE audit_entries ADD COLUMN request_id text;
