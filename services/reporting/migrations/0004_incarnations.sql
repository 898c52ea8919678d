-- A topic that was made again has other messages at the same offsets.
DO $$
DECLARE
    stored record;
BEGIN
    FOR stored IN
        SELECT conrelid::regclass AS its_table, conname FROM pg_constraint
        WHERE contype = 'p' AND conrelid IN ('facts'::regclass, 'skipped'::regclass)
    LOOP  -- a swap after a rebuild gives the table of facts another primary key by another name
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', stored.its_table, stored.conname);
    END LOOP;
END
$$;
ALTER TABLE facts
    ADD COLUMN incarnation integer NOT NULL DEFAULT 1,
    ADD PRIMARY KEY (topic, partition, incarnation, "offset");
ALTER TABLE skipped
    ADD COLUMN incarnation integer NOT NULL DEFAULT 1,
    ADD PRIMARY KEY (topic, partition, incarnation, "offset");
