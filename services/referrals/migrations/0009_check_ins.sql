-- When the partner said last that it is still working on it.
ALTER TABLE referrals ADD COLUMN checked_in_on date;
