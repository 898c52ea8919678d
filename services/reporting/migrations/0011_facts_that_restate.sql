-- By the id of the event, those that restate a figure: its history says what they were.
CREATE INDEX facts_that_restate ON facts (event_id)
WHERE name IN ('ActivityCorrected', 'ActivityRetracted', 'RequestVoided', 'ReferralVoided')
    OR (version > 1 AND name IN ('SiteRecorded', 'GroupRecorded', 'IndicatorDefined'));
