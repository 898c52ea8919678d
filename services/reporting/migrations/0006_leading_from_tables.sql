-- Which kinds of things and which families hold all that the facts say. What is not here is made from all facts, as soon
-- as the leader has caught up: at the first start, after a loss, and for a family that a release adds.
CREATE TABLE made (part text PRIMARY KEY);

CREATE TABLE definitions (
    indicator text NOT NULL,
    definition_version integer NOT NULL,
    data bytea NOT NULL,  -- of the newest IndicatorDefined
    PRIMARY KEY (indicator, definition_version)
);

-- What is to be counted anew, and because of which thing.
DROP TABLE affected;
CREATE TABLE affected (
    family text NOT NULL,
    subject text NOT NULL,
    entity text NOT NULL,
    PRIMARY KEY (family, subject, entity)
);
-- The facts since the last cut: why a figure is another one.
CREATE TABLE fresh (
    entity text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    incarnation integer NOT NULL,
    "offset" bigint NOT NULL,
    event_id text NOT NULL,
    restates boolean NOT NULL  -- a correction, a retraction, or a change of reference data
);
CREATE INDEX fresh_of_entity ON fresh (entity);

-- The newest state of every figure, by what its key says: pages and cuts read these rows, and never the whole history.
CREATE TABLE newest (
    key text PRIMARY KEY,
    indicator text NOT NULL,
    programme text NOT NULL,
    unit text NOT NULL,
    stratum text NOT NULL,
    period text NOT NULL,
    cut_id bigint NOT NULL,
    version integer NOT NULL,
    epoch integer NOT NULL,
    known_at timestamptz NOT NULL,
    digest text NOT NULL,
    data text NOT NULL
);
INSERT INTO newest
SELECT DISTINCT ON (key) key, split_part(key, '/', 1), split_part(key, '/', 3), split_part(key, '/', 4),
    split_part(key, '/', 5), split_part(key, '/', 6), cut_id, version, epoch, known_at, digest, data
FROM figures ORDER BY key, cut_id DESC;
CREATE INDEX newest_of_indicator ON newest (indicator, key);
CREATE INDEX newest_of_unit ON newest (unit, key);
CREATE INDEX figures_of_cut ON figures (cut_id);

-- Figures that could not be computed or announced: they are tried again with every cut.
CREATE TABLE stuck (
    family text NOT NULL,
    programme text NOT NULL,
    unit text NOT NULL,
    stratum text NOT NULL,
    period text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (family, programme, unit, stratum, period)
);

-- When a rebuild began: one whose leader ended in the middle of it is not tried for ever. And after a loss, the cut that
-- it proves.
ALTER TABLE rebuilds ADD COLUMN began_at timestamptz, ADD COLUMN cut_id bigint;

-- How much a programme has in each of its periods: requests and activities (stratum `all`) in a school year and in the
-- year that ends on a day (ruling 49), and activities for children per area in a school year.
ALTER TABLE programme_years RENAME TO programme_periods;
ALTER TABLE programme_periods RENAME COLUMN school_year TO period;
-- The periods with which the counts were made.
ALTER TABLE programme_years_counted RENAME TO programme_periods_counted;
ALTER TABLE programme_periods_counted RENAME COLUMN school_year TO period;

-- Which board's sites are whose: it sees their figures.
ALTER TABLE site_records ADD COLUMN board text NOT NULL;
-- Figures that everyone sees: a page of them passes over none of a site.
CREATE INDEX newest_for_everyone ON newest (key) WHERE unit !~ '^(site|institution|board):';
