CREATE INDEX persons_lower_name_id_idx ON persons (lower(name) text_pattern_ops, id);
