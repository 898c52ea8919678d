-- One row per school and day: whether it works with a programme (metrics.md 1, rulings 16 to 20 and 49). In steps, so that
-- PostgreSQL knows how many rows each has: it cannot guess for how many a record is in force.
CREATE TEMPORARY TABLE schools ON COMMIT DROP AS
SELECT site_id, neighbourhood, municipality, programme, day
FROM site_records AS record ${only} CROSS JOIN (
    SELECT programme, period::date AS day FROM programme_periods WHERE period LIKE '____-__-__' AND amount > 0
) AS days
WHERE starts <= day AND day < ends AND opens <= day AND day < closes
    AND 'primary' = ANY (kinds) AND NOT 'special' = ANY (kinds);

CREATE TEMPORARY TABLE qualifying ON COMMIT DROP AS
SELECT school.site_id, activities.activity_id, activities.programme, activities.day, activities.request_id
FROM (SELECT DISTINCT site_id FROM schools) AS school
JOIN activity_sites USING (site_id) JOIN activities USING (activity_id)
JOIN site_records AS there
    ON there.site_id = school.site_id AND there.starts <= activities.day AND activities.day < there.ends
WHERE is_confirmed AND substitution = 'replaces' AND audience = 'children';

CREATE TEMPORARY TABLE involved ON COMMIT DROP AS
SELECT qualifying.site_id, activity_id, day, other.site_id AS other_id
FROM qualifying JOIN activity_sites AS other USING (activity_id)
WHERE other.site_id <> qualifying.site_id
UNION
SELECT qualifying.site_id, activity_id, day, asking.site_id
FROM qualifying JOIN requests USING (request_id, programme) JOIN request_sites AS asking USING (request_id)
WHERE asking.site_id <> qualifying.site_id;

CREATE TEMPORARY TABLE care ON COMMIT DROP AS
SELECT involved.site_id, activity_id
FROM involved JOIN (
    SELECT site_id, other_id, starts, ends FROM site_links
    UNION SELECT other_id, site_id, starts, ends FROM site_links
) AS linked USING (site_id, other_id)
JOIN site_records AS record ON record.site_id = other_id AND record.starts <= day AND day < record.ends,
    unnest(kinds) AS kind
WHERE linked.starts <= day AND day < linked.ends
GROUP BY involved.site_id, activity_id
HAVING bool_or(kind = 'childcare') AND bool_or(kind = 'out_of_school_care');

CREATE TEMPORARY TABLE adopting ON COMMIT DROP AS
SELECT schools.site_id, schools.programme, schools.day, bool_or(care.activity_id IS NOT NULL) AS is_strict
FROM schools JOIN qualifying USING (site_id, programme) LEFT JOIN care USING (site_id, activity_id)
WHERE qualifying.day <= schools.day AND schools.day - interval '1 year' < qualifying.day
GROUP BY schools.site_id, schools.programme, schools.day;

SELECT site_id AS subject, programme, municipality, day::text AS period, 'all' AS stratum,
    ARRAY['site:' || site_id, 'neighbourhood:' || neighbourhood, 'city'] AS units,
    ARRAY['schools', 'loose', 'strict', 'declared'] AS components,
    ARRAY[1, (is_strict IS NOT NULL)::int, coalesce(is_strict, false)::int, EXISTS (
        SELECT FROM site_declarations AS declared
        WHERE declared.site_id = schools.site_id AND declared.programme = schools.programme
            AND starts <= day AND day < ends
    )::int]::bigint[] AS amounts
FROM schools LEFT JOIN adopting USING (site_id, programme, day)
