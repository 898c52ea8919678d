-- Sites, and what `referrals` recorded of brokers, stand in the chassis's tables: one way to say what is on a day.
INSERT INTO entities (kind, entity_id, version) SELECT 'site', site_id, version FROM sites;
INSERT INTO records (kind, entity_id, valid_from, details, epoch, version)
SELECT 'site', site_id, valid_from, details::jsonb, 1, sites.version FROM site_records JOIN sites USING (site_id);
INSERT INTO records (kind, entity_id, valid_from, details, epoch, version)
SELECT 'broker', broker_id, valid_from, jsonb_strip_nulls(jsonb_build_object(
    'brokerId', broker_id,
    'validFrom', valid_from,
    'validTo', valid_to,
    'name', jsonb_build_object('nl', broker_id),  -- was not kept; no rule reads it
    'learningAreas', (
        SELECT jsonb_agg(jsonb_build_object('scheme', split_part(area, '/', 1), 'code', split_part(area, '/', 2)))
        FROM unnest(learning_areas) AS area
    )
)), epoch, version FROM broker_records;

ALTER TABLE groups DROP CONSTRAINT groups_site_id_fkey;
ALTER TABLE requests DROP CONSTRAINT requests_site_id_fkey;
DROP TABLE site_records, sites, broker_records;
