-- Behind a clock: what was said of it, and of what it runs for.
SELECT subject, 'clock:' || subject AS thing FROM subjects
UNION ALL
SELECT subject, 'request:' || request_id FROM subjects JOIN waits ON clock_id = subject WHERE request_id IS NOT NULL
UNION ALL
SELECT subject, 'referral:' || referral_id FROM subjects JOIN waits ON clock_id = subject WHERE referral_id IS NOT NULL
