-- What has begun is due after the last day for which an activity is planned.
ALTER TABLE activities ADD COLUMN planned_on date;
UPDATE activities SET planned_on = ((planned::jsonb->>'plannedFor')::timestamptz AT TIME ZONE 'Europe/Amsterdam')::date;
ALTER TABLE activities ALTER COLUMN planned_on SET NOT NULL;
