-- Things that could not be made of their facts, such as `activity:01…`: nothing else is there of them.
CREATE TABLE stuck_things (entity text PRIMARY KEY, reason text NOT NULL, since timestamptz NOT NULL);

-- A swap after a rebuild gave this index another name. It is dropped while all facts come, and made again after that.
DROP INDEX IF EXISTS facts_entity_idx;
CREATE INDEX IF NOT EXISTS facts_of_entity ON facts (entity);
