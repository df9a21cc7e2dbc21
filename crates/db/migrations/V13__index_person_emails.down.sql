DROP INDEX persons_emails_idx;
