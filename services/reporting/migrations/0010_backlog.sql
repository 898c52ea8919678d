-- How many events have come in that no cut knows: written by the leader while it is behind, for whoever shows figures.
CREATE TABLE backlog (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),  -- there is one row
    events bigint NOT NULL
);
INSERT INTO backlog (events) VALUES (0);
