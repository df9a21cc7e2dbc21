-- Who may use the API.
CREATE TABLE accounts (
    id uuid CONSTRAINT accounts_pkey PRIMARY KEY,
    email text NOT NULL CONSTRAINT accounts_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    name text NOT NULL CONSTRAINT accounts_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    role text NOT NULL CONSTRAINT accounts_role CHECK (role IN ('admin', 'member')),
    -- Argon2id, as a PHC string.
    password_hash text NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    -- Made by seeding, with a password that everybody knows: refused in production.
    development boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One account an address, whatever its case.
CREATE UNIQUE INDEX accounts_email_key ON accounts (lower(email));
