-- One row per group and stratum: the bounds of the children reached in it (metrics.md 3, rulings 7 to 14).
WITH chosen AS (
    SELECT groups.*, record.neighbourhood, record.municipality
    FROM groups ${only} JOIN site_records AS record USING (site_id)
    WHERE record.starts_or_first <= cohort_day AND cohort_day < record.ends
), took_part AS (
    SELECT group_id, chosen.school_year, programme, stratum,
        max(least(participants, upper)) FILTER (WHERE participants IS NOT NULL) AS highest,  -- `least` leaves out nulls
        sum(least(participants, upper)) FILTER (WHERE participants IS NOT NULL) AS total,
        bool_or(participants IS NULL AND whole_group) AS is_whole,
        bool_or(participants IS NULL AND NOT whole_group) AS is_uncounted
    FROM chosen JOIN activity_groups USING (group_id) JOIN activities USING (activity_id),
        unnest('all'::text || areas) AS stratum
    WHERE activities.school_year = chosen.school_year AND audience = 'children' AND EXISTS (
        SELECT FROM activity_sites JOIN site_records USING (site_id)
        WHERE activity_sites.activity_id = activities.activity_id AND starts <= day AND day < ends
    )
    GROUP BY group_id, chosen.school_year, programme, stratum
), bounded AS (
    SELECT chosen.*, asked.programme, asked.stratum,
        coalesce(greatest(highest, CASE WHEN is_whole THEN lower END), 0) AS reached_lower,
        CASE WHEN is_whole OR is_uncounted THEN upper ELSE least(upper, coalesce(total, 0)) END AS reached_upper,
        coalesce(highest, 0) AS highest, coalesce(is_whole, false) AS is_whole
    FROM chosen JOIN programme_periods AS asked ON asked.period = chosen.school_year LEFT JOIN took_part USING (group_id, school_year, programme, stratum)
    WHERE amount > 0
)
SELECT group_id AS subject, programme, municipality, school_year AS period, stratum,
    CASE WHEN stratum = 'all' THEN ARRAY['site:' || site_id, 'neighbourhood:' || neighbourhood, 'city']
        ELSE ARRAY['neighbourhood:' || neighbourhood, 'city'] END AS units,
    ARRAY[register || '.groups', register || '.lower', register || '.upper', register || '.to_confirm',
        register || '.children_lower', register || '.children_upper'] AS components,
    ARRAY[1, reached_lower, reached_upper, (NOT is_whole AND highest <> reached_upper)::int, lower, upper]::bigint[] AS amounts
FROM bounded
