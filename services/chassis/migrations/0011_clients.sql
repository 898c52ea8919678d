-- The external systems that give commands over Kafka.
CREATE TABLE clients (
    client text PRIMARY KEY,
    registered_at timestamptz NOT NULL
);

-- For whom each of them may act, as an operator registered it.
CREATE TABLE client_actors (
    client text NOT NULL REFERENCES clients ON DELETE CASCADE,
    role text NOT NULL,
    organisation text NOT NULL,
    party text,  -- what its organisation is to an object, such as `site:duo:16NV00`; null for who is a party to nothing
    PRIMARY KEY (client, role, organisation)
);
CREATE INDEX client_actors_party ON client_actors (party);

-- What clients asked: one row for each command, so that it has one outcome. While it waits for what this service has not
-- heard of yet, also what it says. Kept as long as the answers to commands over HTTP.
CREATE TABLE client_commands (
    client text NOT NULL,
    command_id uuid NOT NULL,
    digest bytea NOT NULL,  -- SHA-256 of what it says: another command with this id is told from the same one again
    received_at timestamptz NOT NULL DEFAULT now(),
    outcome integer DEFAULT 1,  -- the version of its outcome; null while it waits
    position bigint GENERATED ALWAYS AS IDENTITY,  -- those that wait are tried in this order
    about text,  -- what it is about, such as `referral:0199…`: a later one about the same does not overtake it
    waits_until timestamptz,
    attributes bytea,
    PRIMARY KEY (client, command_id),
    CHECK (num_nulls(waits_until, attributes) IN (0, 2) AND (outcome IS NULL) = (waits_until IS NOT NULL))
);
CREATE INDEX client_commands_waiting ON client_commands (position) WHERE waits_until IS NOT NULL;
CREATE INDEX client_commands_age ON client_commands (received_at);

-- The clients that act for one of these parties of an object; a board is a party to what its sites are a party to.
CREATE OR REPLACE FUNCTION clients_among(parties text[], at timestamptz) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT client FROM client_actors WHERE party = ANY(parties) OR split_part(party, ':', 1) || ':*' = ANY(parties)
    UNION
    SELECT client FROM client_actors CROSS JOIN unnest(parties) AS named CROSS JOIN LATERAL (
        SELECT details->>'board' AS board FROM records
        WHERE kind = 'site' AND entity_id = substr(named, 6)
        ORDER BY (valid_from <= (at AT TIME ZONE 'Europe/Amsterdam')::date) DESC,
            CASE WHEN valid_from <= (at AT TIME ZONE 'Europe/Amsterdam')::date THEN valid_from END DESC, valid_from
        LIMIT 1
    ) AS site
    WHERE role = 'board' AND named LIKE 'site:%' AND site.board = organisation
$$;
