-- One row per request and stratum: whether it is unmet, in an area, for a reason (metrics.md 8, rulings 29 and 30).
WITH chosen AS (
    SELECT requests.*, neighbourhood, municipality
    FROM requests ${only} JOIN site_records AS record USING (site_id)
    WHERE starts <= raised_on AND raised_on < ends
)
SELECT request_id AS subject, programme, municipality, school_year AS period, stratum,
    CASE WHEN stratum = 'all' THEN ARRAY['site:' || site_id, 'neighbourhood:' || neighbourhood, 'city']
        ELSE ARRAY['neighbourhood:' || neighbourhood, 'city'] END AS units,
    ARRAY['asked', 'unmet'] AS components,
    ARRAY[1, (CASE WHEN stratum = 'all' THEN unmet_areas <> '{}' ELSE stratum = ANY (unmet_areas) END)::int]::bigint[]
        AS amounts
FROM chosen, unnest('all'::text || areas) AS stratum
UNION ALL
SELECT request_id, programme, municipality, school_year, area || ';' || unmet_reason, ARRAY['neighbourhood:' || neighbourhood, 'city'],
    ARRAY['unmet'], ARRAY[1::bigint]
FROM chosen, unnest(unmet_areas) AS area
