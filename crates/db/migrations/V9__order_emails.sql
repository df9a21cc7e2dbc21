-- A JSON merge patch (RFC 7396), for PATCH of jsonb columns.
CREATE FUNCTION jsonb_merge_patch(target jsonb, patch jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
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
$$;

-- The order of the addresses of a person; addresses from before have the order of their ids.
ALTER TABLE emails
    ADD COLUMN position integer NOT NULL DEFAULT 0,
    ALTER COLUMN id SET DEFAULT gen_random_uuid();
