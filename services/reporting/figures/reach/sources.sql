-- Behind a group: its records, and the activities for children of its school year in which it took part.
SELECT subject, 'group:' || subject AS thing FROM subjects
UNION ALL
SELECT subject, 'activity:' || activities.activity_id
FROM subjects CROSS JOIN cell
JOIN activity_groups ON group_id = subject
JOIN activities ON activities.activity_id = activity_groups.activity_id AND activities.programme = cell.programme
WHERE school_year = cell.period AND audience = 'children' AND (cell.stratum = 'all' OR cell.stratum = ANY (areas))
