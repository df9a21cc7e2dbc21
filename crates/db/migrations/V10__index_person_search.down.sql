DROP INDEX persons_search_idx;
