-- Behind a request: what was said of it, its referrals, and its activities.
SELECT subject, 'request:' || subject AS thing FROM subjects
UNION ALL
SELECT subject, 'referral:' || referral_id FROM subjects JOIN referrals ON request_id = subject
UNION ALL
SELECT subject, 'activity:' || activity_id
FROM subjects CROSS JOIN cell JOIN activities ON request_id = subject AND activities.programme = cell.programme
