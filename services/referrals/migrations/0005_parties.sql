-- Who is a party to a referral or an activity, and so sees it: each as `party:organisation`.
ALTER TABLE referrals ADD COLUMN parties text[] NOT NULL DEFAULT '{}';
UPDATE referrals SET parties = ARRAY(SELECT 'site:' || site FROM jsonb_array_elements_text(
        jsonb_build_array(made::jsonb->'siteId') || coalesce(made::jsonb->'coSiteIds', '[]')
    ) AS site)
    || ARRAY['broker:' || (made::jsonb->>'brokerId'), 'partner:' || partner_id];
ALTER TABLE referrals ALTER COLUMN parties DROP DEFAULT;
CREATE INDEX referrals_of_party ON referrals USING gin (parties);

ALTER TABLE activities ADD COLUMN parties text[] NOT NULL DEFAULT '{}';
UPDATE activities SET parties = ARRAY(SELECT 'site:' || site FROM unnest(site_ids) AS site)
    || ARRAY(SELECT 'partner:' || partner
        FROM jsonb_array_elements_text(coalesce(body, planned)::jsonb->'partnerIds') AS partner)
    || ARRAY(SELECT 'broker:' || (made::jsonb->>'brokerId') FROM referrals
        WHERE referrals.referral_id = activities.referral_id);
ALTER TABLE activities ALTER COLUMN parties DROP DEFAULT;
CREATE INDEX activities_of_party ON activities USING gin (parties);

-- Sites stand in the chassis's tables too, with their boards. Of those that are known already the board is not: it
-- comes with their next record, or when `requests` publishes its journal again.
INSERT INTO records (kind, entity_id, valid_from, details)
SELECT 'site', site_id, '1800-01-01', '{"validFrom": "1800-01-01"}' FROM sites;
DROP TABLE sites;

ALTER TABLE groups ADD COLUMN school_year text;  -- null: was not kept yet
