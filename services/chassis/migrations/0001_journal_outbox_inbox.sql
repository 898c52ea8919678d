-- Raised by an operator when this database was restored to an earlier point, so that versions issued
-- again are never mistaken for the lost ones.
CREATE TABLE stream (
    epoch integer NOT NULL CHECK (epoch >= 1),
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO stream (epoch) VALUES (1);

-- Every message this service ever announced: the very bytes, never jsonb, which would reorder keys.
CREATE TABLE journal (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key bytea,
    value bytea,
    headers bytea,  -- null: the constant header of an event; otherwise msgpack of name and bytes
    aggregate text NOT NULL,
    epoch integer NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    correlation text,
    recorded_at timestamptz NOT NULL,
    UNIQUE (aggregate, version, epoch, topic),
    UNIQUE (event_id, topic)
);

-- What Kafka has not acknowledged yet: pointers, deleted after the acknowledgement.
-- `alone`: nothing behind it is sent before it is acknowledged.
CREATE TABLE outbox (
    position bigint PRIMARY KEY REFERENCES journal,
    alone boolean NOT NULL DEFAULT false
);

-- What Kafka refuses for good (too large): moved here with the reason, so that nothing behind it waits.
CREATE TABLE refused (
    position bigint PRIMARY KEY REFERENCES journal,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);

-- Which versions of an aggregate a consumer has applied. The holes in the set are what was parked
-- (dead-lettered): a redrive still applies them.
CREATE TABLE inbox (
    consumer text NOT NULL,
    aggregate text NOT NULL,
    epoch integer NOT NULL,
    applied int4multirange NOT NULL,
    PRIMARY KEY (consumer, aggregate, epoch)
);

-- The answer to a command that was carried out, for whoever asks again with the same key.
CREATE TABLE idempotency (
    organisation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,  -- SHA-256 over method, path and body
    status integer,
    headers bytea,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- How far a projection has read: the fence, locked and compared in every transaction that appends.
CREATE TABLE positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
