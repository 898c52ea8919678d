-- What a command was answered with, whichever door it came through: what it changed, the version, and the view of it.
DELETE FROM idempotency;  -- answers in HTTP's own form; nobody runs this yet
ALTER TABLE idempotency
    DROP COLUMN status,
    DROP COLUMN headers,
    ADD COLUMN subject text,
    ADD COLUMN version integer;
ALTER TABLE idempotency RENAME COLUMN body TO view;
ALTER TABLE idempotency RENAME COLUMN fingerprint TO digest;  -- SHA-256 over the command, its subject and what was read

-- Dated reference data of all kinds. One row per entity that is recorded here: its writers serialise on it.
CREATE TABLE entities (
    kind text NOT NULL,
    entity_id text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (kind, entity_id)
);

-- What an entity is from a day on, until its next record. Also what another service recorded: then with the order of
-- the event that said so, so that a message that comes late undoes nothing.
CREATE TABLE records (
    kind text NOT NULL,
    entity_id text NOT NULL,
    valid_from date NOT NULL,
    details jsonb NOT NULL,
    epoch integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, entity_id, valid_from)
);

-- What each entity of a kind is on a day: its newest record that has begun; its first one while none has.
CREATE OR REPLACE FUNCTION records_on(of_kind text, day date)
RETURNS TABLE (entity_id text, valid_from date, details jsonb)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (entity_id) entity_id, valid_from, details FROM records WHERE kind = of_kind
    ORDER BY entity_id, (valid_from <= day) DESC, CASE WHEN valid_from <= day THEN valid_from END DESC, valid_from
$$;
