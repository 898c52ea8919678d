-- One row per activity for children: replaced, stacked or unknown (metrics.md 2, ruling 21).
SELECT activity_id AS subject, programme, municipality, school_year AS period, 'all' AS stratum,
    sites || CASE cardinality(neighbourhoods) WHEN 1 THEN neighbourhoods
        ELSE ARRAY(SELECT DISTINCT unnest(neighbourhoods)) END || 'city'::text AS units,
    ARRAY[substitution, 'minutes.' || substitution] AS components, ARRAY[1, minutes]::bigint[] AS amounts
FROM (
    SELECT activities.*, array_agg('site:' || record.site_id) AS sites,
        array_agg('neighbourhood:' || neighbourhood) AS neighbourhoods, min(municipality) AS municipality
    FROM activities ${only} JOIN activity_sites USING (activity_id)
        JOIN site_records AS record ON record.site_id = activity_sites.site_id AND starts <= day AND day < ends
    WHERE audience = 'children'
    GROUP BY activity_id
) AS held
