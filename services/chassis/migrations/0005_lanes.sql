-- A lane is a partition of a topic: the relay sends each by itself, so that one that cannot be written delays no other.
-- Barriers go: a cut and its figures are sent in any order.
CREATE FUNCTION pg_temp.partition_of(key bytea) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
-- Kafka's murmur2 over 12 partitions, for the pointers that wait during this migration. New ones get it from Python.
DECLARE
    m CONSTANT bigint := 1540483477;
    size CONSTANT integer := length(key);
    h bigint := 2538058380 # size;
    k bigint;
BEGIN
    FOR at IN 0 .. size / 4 - 1 LOOP
        k := get_byte(key, 4 * at) + (get_byte(key, 4 * at + 1)::bigint << 8)
            + (get_byte(key, 4 * at + 2)::bigint << 16) + (get_byte(key, 4 * at + 3)::bigint << 24);
        k := (k::numeric * m % 4294967296)::bigint;
        k := k # (k >> 24);
        k := (k::numeric * m % 4294967296)::bigint;
        h := ((h::numeric * m % 4294967296)::bigint) # k;
    END LOOP;
    FOR at IN REVERSE size - 1 .. size - size % 4 LOOP
        h := h # (get_byte(key, at)::bigint << 8 * (at % 4));
    END LOOP;
    IF size % 4 > 0 THEN
        h := (h::numeric * m % 4294967296)::bigint;
    END IF;
    h := h # (h >> 13);
    h := (h::numeric * m % 4294967296)::bigint;
    h := h # (h >> 15);
    RETURN ((h & 2147483647) % 12)::integer;
END
$$;

ALTER TABLE outbox
    DROP COLUMN barrier,
    ADD COLUMN topic text,
    ADD COLUMN partition integer,
    ADD COLUMN size integer;  -- bytes of key, value and headers: a round is bounded without reading the journal
UPDATE outbox SET
    topic = journal.topic,
    partition = pg_temp.partition_of(coalesce(key, uuid_send(event_id))),
    size = coalesce(length(key), 0) + coalesce(length(value), 0) + coalesce(length(headers), 0)
FROM journal WHERE journal.position = outbox.position;
ALTER TABLE outbox
    ALTER COLUMN topic SET NOT NULL,
    ALTER COLUMN partition SET NOT NULL,
    ALTER COLUMN size SET NOT NULL;
CREATE INDEX outbox_lanes ON outbox (topic, partition, position);
