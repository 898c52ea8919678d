-- One row per request and stratum: the steps that it reached (metrics.md 8, rulings 2, 26 to 30).
WITH chosen AS (
    SELECT requests.*, neighbourhood, municipality
    FROM requests ${only} JOIN site_records AS record USING (site_id)
    WHERE starts <= raised_on AND raised_on < ends
), referred AS (
    SELECT request_id, min(made_on) AS referred_on, min(accepted_on) AS accepted_on
    FROM chosen JOIN referrals USING (request_id)
    WHERE NOT ended @> made_at
    GROUP BY request_id
), delivered AS (
    SELECT request_id, min(day) AS delivered_on, min(confirmed_on) AS confirmed_on
    FROM chosen JOIN activities USING (request_id, programme)
    LEFT JOIN activity_confirmations AS confirmed
        ON confirmed.activity_id = activities.activity_id AND confirmed.site_id = chosen.site_id
    WHERE EXISTS (
        SELECT FROM activity_sites JOIN site_records AS record USING (site_id)
        WHERE activity_sites.activity_id = activities.activity_id AND starts <= day AND day < ends
    )
    GROUP BY request_id
), steps AS (
    SELECT request_id, programme, school_year, areas, site_id, neighbourhood, municipality, without_broker,
        ARRAY['raised', 'assigned', 'answered', 'referred', 'accepted', 'delivered', 'confirmed'] AS step,
        ARRAY[raised_on, assigned_on, answered_on, referred_on, accepted_on, delivered_on, confirmed_on] AS reached
    FROM chosen LEFT JOIN referred USING (request_id) LEFT JOIN delivered USING (request_id)
), counted AS (
    SELECT request_id, array_agg(component ORDER BY component) AS components
    FROM steps, generate_subscripts(step, 1) AS number, LATERAL (
        SELECT step[number] AS component
        UNION ALL SELECT step[number] || '+' || greatest(reached[number] - reached[number - 1], 0)
        WHERE reached[number - 1] IS NOT NULL
    ) AS component
    WHERE reached[number] IS NOT NULL
    GROUP BY request_id
)
SELECT request_id AS subject, programme, municipality, school_year AS period, stratum,
    CASE WHEN stratum = 'all' THEN ARRAY['site:' || site_id, 'neighbourhood:' || neighbourhood, 'city']
        ELSE ARRAY['city'] END AS units,
    components || 'without_broker'::text AS components,
    array_fill(1::bigint, ARRAY[cardinality(components)]) || without_broker::int::bigint AS amounts
FROM steps JOIN counted USING (request_id), unnest('all'::text || areas) AS stratum
