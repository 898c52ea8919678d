-- Brokers and partners stand in the chassis's tables: one way to say what is on a day.
INSERT INTO entities (kind, entity_id, version) SELECT kind, organisation_id, version FROM organisations;
INSERT INTO records (kind, entity_id, valid_from, details, epoch, version)
SELECT kind, organisation_id, valid_from, details::jsonb, 1, version
FROM organisation_records JOIN organisations USING (kind, organisation_id);
DROP TABLE organisation_records, organisations;
