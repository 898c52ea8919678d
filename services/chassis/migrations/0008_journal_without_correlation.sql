-- It stands in the event itself; nothing reads it here any more.
ALTER TABLE journal DROP COLUMN correlation;
