-- Facts are a log: appended by COPY, never updated. A version may stand here twice (a relay sends twice
-- after a crash); readers take the first offset.
CREATE TABLE facts (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    name text NOT NULL,
    entity text NOT NULL,
    epoch integer NOT NULL,
    version integer NOT NULL,
    event_id text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX facts_of_entity ON facts (entity);

-- Messages below the stored positions that no fact came of: dead-lettered.
CREATE TABLE skipped (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);

CREATE TABLE cuts (
    cut_id bigint PRIMARY KEY,
    day date NOT NULL,
    known_at timestamptz NOT NULL UNIQUE,
    event text NOT NULL,  -- the data of CutTaken
    figure_count integer NOT NULL
);

-- Every figure ever published, as it stands on the history topic: as-of is answered from here.
CREATE TABLE figures (
    key text NOT NULL,
    cut_id bigint NOT NULL REFERENCES cuts,
    version integer NOT NULL,
    epoch integer NOT NULL,
    known_at timestamptz NOT NULL,
    digest text NOT NULL,
    data text NOT NULL,  -- of MetricPublished or MetricRestated
    PRIMARY KEY (key, cut_id)
);

-- Rebuilds: asked for by an operator, or done by itself after a loss.
CREATE TABLE rebuilds (
    rebuild_id uuid PRIMARY KEY,
    cause text NOT NULL CHECK (cause IN ('asked', 'loss')),
    requested_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text  -- JSON
);
