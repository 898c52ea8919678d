-- Behind a fulfilled request: what was said of it and of its referrals.
SELECT subject, 'request:' || subject AS thing FROM subjects
UNION ALL
SELECT subject, 'referral:' || referral_id FROM subjects JOIN referrals ON request_id = subject
