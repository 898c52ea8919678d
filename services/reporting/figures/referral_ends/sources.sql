-- Behind a referral: what was said of it, and of its request.
SELECT subject, 'referral:' || subject AS thing FROM subjects
UNION ALL
SELECT subject, 'request:' || request_id FROM subjects JOIN referrals ON referral_id = subject
