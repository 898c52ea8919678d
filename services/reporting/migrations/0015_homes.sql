-- Counts carry their home, by which they could be shared out: the programme and the municipality of the site.
TRUNCATE site_records, site_links, site_declarations;
ALTER TABLE site_records ADD COLUMN municipality text NOT NULL;
-- Made again of all facts: the sites, and every family.
DELETE FROM made WHERE part NOT IN ('indicator', 'group', 'request', 'referral', 'clock', 'activity');
