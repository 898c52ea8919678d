-- One row per referral and stratum: whether it was accepted, and how it ended (metrics.md 8, ruling 28).
SELECT referral_id AS subject, programme, municipality, school_year AS period, stratum,
    CASE WHEN stratum = 'all' THEN ARRAY['site:' || site_id, 'neighbourhood:' || neighbourhood, 'city']
        ELSE ARRAY['city'] END AS units,
    components, array_fill(1::bigint, ARRAY[cardinality(components)]) AS amounts
FROM (
    SELECT referral_id, programme, school_year, site_id, neighbourhood, municipality, referrals.areas,
        array_remove(ARRAY['made', CASE WHEN accepted_on IS NOT NULL THEN 'accepted' END, ended_as], NULL) AS components
    FROM referrals ${only} JOIN requests USING (request_id) JOIN site_records AS record USING (site_id)
    WHERE starts <= raised_on AND raised_on < ends AND ended_as IS DISTINCT FROM 'other_partner_accepted'
) AS ended, unnest('all'::text || areas) AS stratum
