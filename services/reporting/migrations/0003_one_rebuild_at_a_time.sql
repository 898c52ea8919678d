-- An operator who asks again while a rebuild waits is told so: the same again would only cost.
DELETE FROM rebuilds AS later USING rebuilds AS earlier
WHERE later.finished_at IS NULL AND later.cause = 'asked'
AND earlier.finished_at IS NULL AND earlier.cause = 'asked' AND later.rebuild_id > earlier.rebuild_id;
CREATE UNIQUE INDEX one_rebuild_at_a_time ON rebuilds (cause) WHERE cause = 'asked' AND finished_at IS NULL;
