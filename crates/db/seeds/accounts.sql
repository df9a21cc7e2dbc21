-- db::seed_accounts
-- One development account for each role. All have the password with the hash $1.
INSERT INTO accounts (id, email, name, role, password_hash, development)
VALUES
    ('01900000-0000-7000-a000-000000000001', 'admin@example.com', 'Development Admin', 'admin', $1, true),
    ('01900000-0000-7000-a000-000000000002', 'member@example.com', 'Development Member', 'member', $1, true)
ON CONFLICT DO NOTHING
