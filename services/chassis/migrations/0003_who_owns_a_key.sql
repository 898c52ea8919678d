-- A key belongs to whoever sent it: another role or actor of the same organisation that uses it means another command.
ALTER TABLE idempotency
    ADD COLUMN role text NOT NULL DEFAULT '',  -- the answers of before stay nobody's, and go after 30 days
    ADD COLUMN actor text NOT NULL DEFAULT '',
    DROP CONSTRAINT idempotency_pkey,
    ADD PRIMARY KEY (organisation, role, actor, key);
ALTER TABLE idempotency ALTER COLUMN role DROP DEFAULT, ALTER COLUMN actor DROP DEFAULT;
