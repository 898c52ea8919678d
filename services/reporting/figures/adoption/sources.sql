-- Behind a school: its records, and each activity with which it qualifies in the year that ends on the day, with its
-- request.
SELECT subject, 'site:' || subject AS thing FROM subjects
UNION ALL
SELECT subject, thing
FROM subjects CROSS JOIN cell
JOIN activity_sites ON activity_sites.site_id = subject
JOIN activities ON activities.activity_id = activity_sites.activity_id AND activities.programme = cell.programme
JOIN site_records AS there ON there.site_id = subject AND there.starts <= activities.day AND activities.day < there.ends,
    unnest(ARRAY['activity:' || activities.activity_id, 'request:' || request_id]) AS thing
WHERE is_confirmed AND substitution = 'replaces' AND audience = 'children' AND thing IS NOT NULL
    AND activities.day <= cell.period::date AND cell.period::date - interval '1 year' < activities.day
