-- A request can be withdrawn, reopened and voided too. When it was closed, and from which state, says its journal.
ALTER TABLE requests DROP CONSTRAINT requests_status_check;
ALTER TABLE requests ADD CHECK (status IN ('raised', 'assigned', 'no_broker', 'answered', 'closed', 'withdrawn', 'voided'));
ALTER TABLE requests ADD COLUMN closed_from text;
ALTER TABLE requests ADD COLUMN closed_on date;
UPDATE requests SET closed_from = CASE WHEN answer IS NULL THEN 'no_broker' ELSE 'answered' END, closed_on = (
    SELECT ((said->'data'->>'closedAt')::timestamptz AT TIME ZONE 'Europe/Amsterdam')::date
    FROM journal CROSS JOIN LATERAL (SELECT convert_from(value, 'UTF8')::jsonb AS said)
    WHERE aggregate = 'request:' || request_id AND said->>'type' = 'nl.samenspel.RequestClosed.v1'
    ORDER BY epoch DESC, version DESC LIMIT 1
) WHERE status = 'closed';
ALTER TABLE requests ADD CHECK ((status = 'closed') = (closed_from IS NOT NULL));
ALTER TABLE requests ADD CHECK ((status = 'closed') = (closed_on IS NOT NULL));

DROP INDEX open_requests_for_area;
CREATE INDEX open_requests_for_area ON requests USING gin (learning_areas)
    WHERE status IN ('raised', 'assigned', 'no_broker', 'answered');
