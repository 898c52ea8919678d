-- Who is a party to a request, and so sees it: each as `party:organisation`.
ALTER TABLE requests
    ADD COLUMN partner_ids text[] NOT NULL DEFAULT '{}',  -- to whom it was referred
    ADD COLUMN parties text[] NOT NULL DEFAULT '{}';
UPDATE requests SET parties = ARRAY['site:' || site_id]
    || ARRAY(SELECT 'site:' || site FROM jsonb_array_elements_text(details::jsonb->'coSiteIds') AS site)
    || CASE broker_ids WHEN '{}' THEN ARRAY['broker:*'] ELSE ARRAY(SELECT 'broker:' || id FROM unnest(broker_ids) AS id) END;
ALTER TABLE requests ALTER COLUMN parties DROP DEFAULT;
CREATE INDEX requests_of_party ON requests USING gin (parties);
