-- db::seed
-- Sample rows for development. The IDs are fixed, so loading the rows twice changes nothing.
WITH person (n, name, emails) AS (
    VALUES
        (1, 'Ada Lovelace', ARRAY['ada@example.com', 'lovelace@analytical.example']),
        (2, 'Alan Turing', ARRAY['alan@example.com']),
        (3, 'Barbara Liskov', ARRAY['barbara@example.com']),
        (4, 'Dennis Ritchie', ARRAY['dennis@example.com', 'dmr@bell.example']),
        (5, 'Donald Knuth', ARRAY['donald@example.com']),
        (6, 'Edsger Dijkstra', ARRAY['edsger@example.com']),
        (7, 'Frances Allen', ARRAY['frances@example.com']),
        (8, 'Grace Hopper', ARRAY['grace@example.com', 'hopper@navy.example']),
        (9, 'Katherine Johnson', ARRAY['katherine@example.com']),
        (10, 'Ken Thompson', ARRAY['ken@example.com']),
        (11, 'Margaret Hamilton', ARRAY['margaret@example.com', 'hamilton@apollo.example']),
        (12, 'Radia Perlman', ARRAY['radia@example.com'])
), inserted AS (
    INSERT INTO persons (id, name, emails)
    SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, name, emails FROM person
    ON CONFLICT ON CONSTRAINT persons_pkey DO NOTHING
    RETURNING id
)
SELECT count(*) FROM inserted
