-- One row per clock and school year: its waits, how long they lasted, and which were too long (metrics.md 8).
WITH chosen AS (
    SELECT waits.*, coalesce(request.programme, waits.programme) AS of_programme,
        min(started_on) OVER (PARTITION BY clock_id, school_year) AS first_on
    FROM waits ${only} LEFT JOIN (
        SELECT request_id, programme FROM requests JOIN site_records USING (site_id)
        WHERE starts <= raised_on AND raised_on < ends
    ) AS request USING (request_id)
    WHERE (waits.request_id IS NULL OR request.programme IS NOT NULL) AND (
        waits.referral_id IS NULL OR EXISTS (SELECT FROM referrals WHERE referrals.referral_id = waits.referral_id)
    )
), counted AS (
    SELECT clock_id, of_programme, municipality, school_year, neighbourhood, component, count(*) AS amount
    FROM chosen JOIN site_records AS record ON record.site_id = chosen.site_id AND starts <= first_on AND first_on < ends,
        LATERAL (
            SELECT clock AS component
            UNION ALL SELECT clock || '.breached' WHERE is_breached
            UNION ALL SELECT clock || '+' || greatest(ended_on - started_on, 0) WHERE ended_on IS NOT NULL
        ) AS component
    WHERE of_programme IS NOT NULL
    GROUP BY clock_id, of_programme, municipality, school_year, neighbourhood, component
)
SELECT clock_id AS subject, of_programme AS programme, municipality, school_year AS period, 'all' AS stratum,
    ARRAY['neighbourhood:' || neighbourhood, 'city'] AS units,
    array_agg(component ORDER BY component) AS components, array_agg(amount ORDER BY component) AS amounts
FROM counted GROUP BY clock_id, of_programme, municipality, school_year, neighbourhood
