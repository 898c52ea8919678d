-- How referrals ended, what stayed unmet, and how long something was waited for. All things are made
-- anew of their facts before the next cut, and every family is counted anew: nothing else changes by that.
ALTER TABLE requests
    ADD COLUMN outcome text,  -- of the closure that is in force
    ADD COLUMN unmet_areas text[] NOT NULL DEFAULT '{}',
    ADD COLUMN unmet_reason text;
ALTER TABLE requests ALTER COLUMN unmet_areas DROP DEFAULT;
ALTER TABLE referrals
    ADD COLUMN areas text[] NOT NULL DEFAULT '{}',
    ADD COLUMN attempt integer NOT NULL DEFAULT 1,
    ADD COLUMN ended_as text;
ALTER TABLE referrals ALTER COLUMN areas DROP DEFAULT, ALTER COLUMN attempt DROP DEFAULT;

CREATE TABLE waits (
    clock_id text NOT NULL,
    number integer NOT NULL,  -- of the waits of this clock
    clock text NOT NULL,
    request_id text,
    referral_id text,  -- of the clock of a referral
    site_id text NOT NULL,
    programme text,
    school_year text NOT NULL,
    started_on date NOT NULL,
    ended_on date,
    is_breached boolean NOT NULL,
    PRIMARY KEY (clock_id, number)
);
CREATE INDEX waits_of_request ON waits (request_id);
CREATE INDEX waits_of_referral ON waits (referral_id);
CREATE INDEX waits_of_site ON waits (site_id);

TRUNCATE definitions, site_records, site_links, site_declarations, groups, requests, request_sites, referrals, activities,
    activity_sites, activity_groups, activity_confirmations, programme_periods, stuck_things;
DELETE FROM made;
