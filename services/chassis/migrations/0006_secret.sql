-- What only this service knows: with it the key of a command becomes the cause of its events, and tells nobody the key.
-- It is part of every backup, so that a restored service names the same causes.
ALTER TABLE stream ADD COLUMN secret bytea NOT NULL
    DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
