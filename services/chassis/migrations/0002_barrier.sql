-- One word, one meaning: nothing behind a barrier is sent before it is acknowledged.
ALTER TABLE outbox RENAME COLUMN alone TO barrier;
