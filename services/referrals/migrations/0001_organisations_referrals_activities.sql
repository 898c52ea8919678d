-- Brokers and partners; one organisation may be both. One row each: writers serialise on it.
CREATE TABLE organisations (
    kind text NOT NULL CHECK (kind IN ('broker', 'partner')),
    organisation_id text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (kind, organisation_id)
);

CREATE TABLE organisation_records (
    kind text NOT NULL,
    organisation_id text NOT NULL,
    valid_from date NOT NULL,
    details text NOT NULL,  -- BrokerDetails or PartnerDetails as JSON
    PRIMARY KEY (kind, organisation_id, valid_from),
    FOREIGN KEY (kind, organisation_id) REFERENCES organisations
);

-- What `requests` announced and the rules here need. Facts of different events stand apart, each with the
-- order of what it is from, so that a message that comes late undoes nothing.
CREATE TABLE sites (
    site_id text PRIMARY KEY
);

CREATE TABLE groups (
    group_id text PRIMARY KEY,
    site_id text NOT NULL,
    epoch integer NOT NULL,
    version integer NOT NULL
);

CREATE TABLE requests (
    request_id uuid PRIMARY KEY,
    site_id text,  -- null: RequestRaised has not come
    broker_ids text[] NOT NULL DEFAULT '{}',
    covered_areas text[] NOT NULL DEFAULT '{}',  -- scheme/code
    assigned_epoch integer NOT NULL DEFAULT 0,  -- of what said the brokers and areas
    assigned_version integer NOT NULL DEFAULT 0,
    status text NOT NULL CHECK (status IN ('raised', 'assigned', 'no_broker', 'answered', 'closed')),
    answer text CHECK (answer IN ('refer', 'advise', 'cannot_help')),
    epoch integer NOT NULL,  -- of what said the status and answer
    version integer NOT NULL
);

-- Every writer of a referral holds its request's row: so attempts are counted and sets are decided one by one.
CREATE TABLE referrals (
    referral_id uuid PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES requests,
    partner_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'accepted', 'in_progress', 'completed', 'declined', 'withdrawn')),
    made text NOT NULL,  -- ReferralMade as JSON
    reason text,  -- Reason as JSON
    better_partner_id text,
    outcome text CHECK (outcome IN ('delivered', 'delivered_elsewhere')),
    version integer NOT NULL,
    CHECK ((status IN ('declined', 'withdrawn')) = (reason IS NOT NULL)),
    CHECK ((status = 'completed') = (outcome IS NOT NULL))
);
CREATE INDEX referrals_of_request ON referrals (request_id, referral_id);
CREATE INDEX referrals_of_partner ON referrals (partner_id, referral_id);

CREATE TABLE activities (
    activity_id uuid PRIMARY KEY,
    referral_id uuid REFERENCES referrals,
    site_ids text[] NOT NULL,  -- as they are now, the lead first
    status text NOT NULL CHECK (status IN ('planned', 'delivered', 'retracted')),
    planned text NOT NULL,  -- ActivityPlanned as JSON
    body text,  -- ActivityBody as JSON
    confirmed_by text[] NOT NULL,
    disputed_by text[] NOT NULL,
    version integer NOT NULL,
    CHECK (status <> 'delivered' OR body IS NOT NULL),
    CHECK (NOT confirmed_by && disputed_by)
);
CREATE INDEX activities_of_referral ON activities (referral_id);
CREATE INDEX activities_at_site ON activities USING gin (site_ids);

-- What people add in words: for the people concerned, never in an event.
CREATE TABLE comments (
    subject uuid NOT NULL,  -- a referral or an activity
    version integer NOT NULL,  -- the version of it that the comment explains
    comment text NOT NULL,
    PRIMARY KEY (subject, version)
);
