-- Things of all facts are made by two processes, into tables without indexes. A row is there while that goes on.
CREATE TABLE making (attempt uuid NOT NULL, indexes text[] NOT NULL);
COMMENT ON COLUMN making.attempt IS 'A process of an earlier attempt does not find its own here, and stores nothing';
COMMENT ON COLUMN making.indexes IS 'What makes the indexes again when all rows are there';
