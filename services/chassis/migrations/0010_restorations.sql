-- How this service rolled forward after its database was restored to an earlier point, and what it was asked to.
CREATE TABLE restorations (
    restoration_id uuid PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    -- The new epoch is at least this: above the one of false events that somebody else wrote.
    least_epoch integer NOT NULL CHECK (least_epoch BETWEEN 1 AND 9999),
    done_at timestamptz,
    epoch integer,
    recovered integer,
    -- Events that could not go back.
    left_out text[],
    CHECK (num_nulls(done_at, epoch, recovered, left_out) IN (0, 4))
);
CREATE INDEX restorations_open ON restorations (restoration_id) WHERE done_at IS NULL;
