-- An answered request is due with the last of its open referrals. Of those that are known already the day was not kept:
-- until the next word of each, they count as due in two weeks.
ALTER TABLE referrals
    ADD COLUMN due_on date,
    ADD COLUMN due_since timestamptz;  -- when what is waited for began
UPDATE referrals SET due_on = current_date + 14 WHERE ended IS NULL;
ALTER TABLE requests ADD COLUMN referrals_due_on date;
UPDATE requests SET referrals_due_on = current_date + 14 WHERE open_referrals > 0;
