-- Things: what the facts of one site, group, request, referral or activity say together. Replaced whole when new facts
-- of it come.
CREATE TABLE site_records (
    site_id text NOT NULL,
    starts date NOT NULL,
    starts_or_first date NOT NULL,  -- of the first record: since ever
    ends date NOT NULL,             -- the next record's start, or infinity
    kinds text[] NOT NULL,
    neighbourhood text NOT NULL,
    opens date NOT NULL,            -- open on opens <= day < closes
    closes date NOT NULL,
    PRIMARY KEY (site_id, starts)
);
-- Links and declarations as long as the record that holds them is in force.
CREATE TABLE site_links (site_id text NOT NULL, other_id text NOT NULL, starts date NOT NULL, ends date NOT NULL);
CREATE INDEX links_of_site ON site_links (site_id);
CREATE INDEX links_to_site ON site_links (other_id);
CREATE TABLE site_declarations (site_id text NOT NULL, programme text NOT NULL, starts date NOT NULL, ends date NOT NULL);
CREATE INDEX declarations_of_site ON site_declarations (site_id);

CREATE TABLE groups (
    group_id text NOT NULL,
    school_year text NOT NULL,
    site_id text NOT NULL,
    register text NOT NULL,
    lower bigint NOT NULL,
    upper bigint NOT NULL,
    cohort_day date NOT NULL,  -- 1 August: the day on which its site decides its cohort
    PRIMARY KEY (group_id, school_year)
);
CREATE INDEX groups_of_site ON groups (site_id);
CREATE INDEX groups_of_year ON groups (school_year);

CREATE TABLE requests (
    request_id text PRIMARY KEY,
    programme text NOT NULL,
    site_id text NOT NULL,
    areas text[] NOT NULL,
    school_year text NOT NULL,
    raised_on date NOT NULL,
    assigned_on date,
    answered_on date,
    closed_at timestamptz,
    without_broker boolean NOT NULL
);
CREATE INDEX requests_of_site ON requests (site_id);
CREATE TABLE request_sites (request_id text NOT NULL, site_id text NOT NULL, PRIMARY KEY (request_id, site_id));
CREATE INDEX request_sites_of_site ON request_sites (site_id);

CREATE TABLE referrals (
    referral_id text PRIMARY KEY,
    request_id text NOT NULL,
    made_at timestamptz NOT NULL,
    made_on date NOT NULL,
    accepted_on date
);
CREATE INDEX referrals_of_request ON referrals (request_id);

CREATE TABLE activities (
    activity_id text PRIMARY KEY,
    programme text NOT NULL,
    day date NOT NULL,
    school_year text NOT NULL,
    audience text NOT NULL,
    substitution text NOT NULL,
    minutes bigint NOT NULL,
    request_id text,
    areas text[] NOT NULL
);
CREATE INDEX activities_of_request ON activities (request_id) WHERE request_id IS NOT NULL;
CREATE TABLE activity_sites (
    activity_id text NOT NULL,
    site_id text NOT NULL,
    is_confirmed boolean NOT NULL,  -- the site's last word
    PRIMARY KEY (activity_id, site_id)
);
CREATE INDEX activities_of_site ON activity_sites (site_id);
CREATE TABLE activity_groups (
    activity_id text NOT NULL,
    group_id text NOT NULL,
    participants bigint,
    whole_group boolean NOT NULL,
    PRIMARY KEY (activity_id, group_id)
);
CREATE INDEX activities_of_group ON activity_groups (group_id);
-- Every confirmation ever given, also one that a correction ended.
CREATE TABLE activity_confirmations (activity_id text NOT NULL, site_id text NOT NULL, confirmed_on date NOT NULL);
CREATE INDEX confirmations_of_activity ON activity_confirmations (activity_id);

-- How many requests and activities (stratum `all`), and activities for children per area, a programme's year has.
CREATE TABLE programme_years (
    programme text NOT NULL,
    school_year text NOT NULL,
    stratum text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (programme, school_year, stratum)
);
-- The programme years with which the counts were made.
CREATE TABLE programme_years_counted (
    programme text NOT NULL,
    school_year text NOT NULL,
    stratum text NOT NULL,
    PRIMARY KEY (programme, school_year, stratum)
);

-- Cells: sums over the counts of a family.
CREATE TABLE sums (
    family text NOT NULL,
    programme text NOT NULL,
    unit text NOT NULL,
    stratum text NOT NULL,
    period text NOT NULL,
    component text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (family, programme, unit, stratum, period, component)
);

-- What is to be counted anew.
CREATE TABLE affected (family text NOT NULL, subject text NOT NULL, PRIMARY KEY (family, subject));
