-- A clock runs until what is waited for has come, also when everything that follows has followed: so its wait has an end.
ALTER TABLE clocks ADD COLUMN running boolean NOT NULL DEFAULT true;
UPDATE clocks SET running = due_on IS NOT NULL;
