-- One row per fulfilled request and stratum: its highest attempt (metrics.md 8, ruling 28).
SELECT request_id AS subject, programme, municipality, school_year AS period, stratum,
    CASE WHEN stratum = 'all' THEN ARRAY['site:' || site_id, 'neighbourhood:' || neighbourhood, 'city']
        ELSE ARRAY['city'] END AS units,
    ARRAY['fulfilled', 'attempts'] AS components, ARRAY[1, attempts]::bigint[] AS amounts
FROM (
    SELECT request_id, programme, school_year, site_id, neighbourhood, municipality, requests.areas, max(attempt) AS attempts
    FROM requests ${only} JOIN referrals USING (request_id) JOIN site_records AS record USING (site_id)
    WHERE starts <= raised_on AND raised_on < ends AND outcome = 'fulfilled'
    GROUP BY request_id, neighbourhood, municipality
) AS fulfilled, unnest('all'::text || areas) AS stratum
