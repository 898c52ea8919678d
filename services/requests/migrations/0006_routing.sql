-- Routing is a function of the day. One row: the day by which requests are routed, and the last day on which all that
-- it changes was announced. They differ while that is going on; nothing has been routed by a day at first.
CREATE TABLE routing (
    day date NOT NULL,
    completed date NOT NULL
);
INSERT INTO routing (day, completed) VALUES ('1800-01-01', '1800-01-01');

-- The asked areas that a broker covers, as the journal's last RequestAssigned of each request says.
ALTER TABLE requests ADD COLUMN covered_areas text[] NOT NULL DEFAULT '{}';  -- scheme/code
UPDATE requests SET covered_areas = ARRAY(
    SELECT (area->>'scheme') || '/' || (area->>'code') FROM jsonb_array_elements((
        SELECT said->'data'->'learningAreas'
        FROM journal CROSS JOIN LATERAL (SELECT convert_from(value, 'UTF8')::jsonb AS said)
        WHERE aggregate = 'request:' || request_id AND said->>'type' = 'nl.samenspel.RequestAssigned.v1'
        ORDER BY epoch DESC, version DESC LIMIT 1
    )) AS area
) WHERE broker_ids <> '{}';

-- What a day or a broker's record changes is found by the areas that were asked.
CREATE INDEX open_requests_for_area ON requests USING gin (learning_areas) WHERE status <> 'closed';
DROP INDEX requests_without_broker;
