CREATE TABLE accounts (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    development boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (id),
    CONSTRAINT accounts_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT accounts_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT accounts_role CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text])))
);

CREATE TABLE audit_entries (
    id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    account_id uuid,
    token_id uuid,
    action text NOT NULL,
    resource text NOT NULL,
    resource_id uuid NOT NULL,
    request_id text,
    CONSTRAINT audit_entries_pkey PRIMARY KEY (id)
);

CREATE TABLE idempotency_keys (
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    status smallint DEFAULT 201 NOT NULL,
    headers jsonb DEFAULT '{"content-type": "application/json"}'::jsonb NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key)
);

CREATE TABLE persons (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    nickname text,
    version integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    emails text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT persons_pkey PRIMARY KEY (id),
    CONSTRAINT persons_emails_count CHECK ((cardinality(emails) <= 20)),
    CONSTRAINT persons_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT persons_nickname_length CHECK (((char_length(nickname) >= 1) AND (char_length(nickname) <= 50)))
);

CREATE TABLE tokens (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    hash bytea NOT NULL,
    name text,
    scope text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT tokens_pkey PRIMARY KEY (id),
    CONSTRAINT tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE,
    CONSTRAINT tokens_hash_key UNIQUE (hash),
    CONSTRAINT tokens_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT tokens_scope CHECK ((scope = ANY (ARRAY['read'::text, 'write'::text]))),
    CONSTRAINT tokens_session_expires CHECK (((name IS NOT NULL) OR (expires_at IS NOT NULL)))
);

CREATE UNIQUE INDEX accounts_email_key ON public.accounts USING btree (lower(email));

CREATE INDEX audit_entries_resource_id_idx ON public.audit_entries USING btree (resource, id);

CREATE INDEX idempotency_keys_created_at_idx ON public.idempotency_keys USING btree (created_at);

CREATE INDEX persons_emails_idx ON public.persons USING gin (emails);

CREATE INDEX persons_search_idx ON public.persons USING gin (to_tsvector('simple'::regconfig, ((name || ' '::text) || COALESCE(nickname, ''::text))));

CREATE INDEX tokens_account_id_id_idx ON public.tokens USING btree (account_id, id);

CREATE OR REPLACE FUNCTION public.jsonb_merge_patch(target jsonb, patch jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
DECLARE
    member record;
BEGIN
    IF jsonb_typeof(patch) IS DISTINCT FROM 'object' THEN
        RETURN CASE WHEN patch IS NULL THEN target WHEN patch <> 'null' THEN patch END;
    END IF;
    IF jsonb_typeof(target) IS DISTINCT FROM 'object' THEN
        target := '{}';
    END IF;
    FOR member IN SELECT * FROM jsonb_each(patch) LOOP
        IF member.value = 'null' THEN
            target := target - member.key;
        ELSE
            target := target || jsonb_build_object(member.key, jsonb_merge_patch(target -> member.key, member.value));
        END IF;
    END LOOP;
    RETURN target;
END
$function$;
