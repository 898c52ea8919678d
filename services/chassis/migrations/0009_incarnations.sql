ALTER TABLE positions
    -- Which topic of this name the position is about: it rises when an operator accepts a topic that was made again.
    ADD COLUMN incarnation integer NOT NULL DEFAULT 1 CHECK (incarnation >= 1),
    -- The record that was the last one when the topic was compared: a topic that was made again and read on since then
    -- has another one there.
    ADD COLUMN compared_offset bigint,
    ADD COLUMN compared_digest bytea;
