-- The cut that named it: a cut names what was skipped since the one before, or it would outgrow its message.
ALTER TABLE skipped ADD COLUMN cut_id bigint;
CREATE INDEX skipped_and_not_named ON skipped (topic, partition, "offset") WHERE cut_id IS NULL;
