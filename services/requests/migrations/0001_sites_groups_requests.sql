-- One row per site: writers of a site serialise on it.
CREATE TABLE sites (
    site_id text PRIMARY KEY,
    version integer NOT NULL
);

CREATE TABLE site_records (
    site_id text NOT NULL REFERENCES sites,
    valid_from date NOT NULL,
    opened_on date,
    closed_on date,
    details text NOT NULL,  -- SiteDetails as JSON
    PRIMARY KEY (site_id, valid_from),
    CHECK (closed_on >= opened_on)
);

CREATE TABLE groups (
    group_id text PRIMARY KEY,
    site_id text NOT NULL REFERENCES sites,
    school_year text NOT NULL,
    details text NOT NULL,  -- GroupDetails as JSON
    version integer NOT NULL
);
CREATE INDEX groups_of_site ON groups (site_id, school_year);

CREATE TABLE requests (
    request_id uuid PRIMARY KEY,
    site_id text NOT NULL REFERENCES sites,
    status text NOT NULL CHECK (status IN ('raised', 'assigned', 'no_broker', 'answered', 'closed')),
    broker_ids text[] NOT NULL,
    answer text CHECK (answer IN ('refer', 'advise', 'cannot_help')),
    outcome text CHECK (outcome IN ('fulfilled', 'partly_fulfilled', 'advice_only', 'not_fulfilled')),
    details text NOT NULL,  -- RequestDetails as JSON
    learning_areas text[] NOT NULL,  -- scheme/code; with the next two: what a likely double shares
    group_ids text[] NOT NULL,
    wished daterange NOT NULL,
    version integer NOT NULL,
    CHECK ((status = 'closed') = (outcome IS NOT NULL))
);
CREATE INDEX requests_of_site ON requests (site_id, request_id);
CREATE INDEX requests_without_broker ON requests (request_id) WHERE status = 'no_broker';

-- What `referrals` announced and this service needs: who covers which areas, and what was delivered.
CREATE TABLE broker_records (
    broker_id text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    learning_areas text[] NOT NULL,  -- scheme/code
    epoch integer NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (broker_id, valid_from)
);

CREATE TABLE delivered_activities (
    activity_id uuid PRIMARY KEY,
    request_id uuid  -- null: retracted
);
CREATE INDEX delivered_of_request ON delivered_activities (request_id);
