-- A request may be reopened: a referral made between its end and that moment is no step of it (ruling 39).
ALTER TABLE requests ADD COLUMN ended tstzmultirange NOT NULL DEFAULT '{}';
UPDATE requests SET ended = tstzmultirange(tstzrange(closed_at, NULL, '()')) WHERE closed_at IS NOT NULL;
ALTER TABLE requests ALTER COLUMN ended DROP DEFAULT;
ALTER TABLE requests DROP COLUMN closed_at;
