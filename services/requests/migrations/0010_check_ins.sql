-- When a consultant said last that it is working on the answer.
ALTER TABLE requests ADD COLUMN checked_in_on date;
