-- Of each partition the last record that was read: a topic that was made again has another one there.
ALTER TABLE positions ADD COLUMN last_offset bigint, ADD COLUMN last_digest bytea;
