-- Clocks: how long an object may wait. One row per object and clock, also when it does not run any more.
CREATE TABLE clocks (
    clock_id uuid PRIMARY KEY,
    object_kind text NOT NULL,
    object_id uuid NOT NULL,
    name text NOT NULL,
    key text NOT NULL,  -- the Kafka key of its events: that of its object
    correlation uuid,
    parties text[] NOT NULL,  -- whom its object concerned when it started, each as party:organisation
    breaches text[] NOT NULL,  -- what follows, in the order in which it does
    dues date[] NOT NULL,  -- and the last day before each
    passed integer NOT NULL DEFAULT 0,  -- how many of them followed
    due_on date,  -- the next of the dues; null: it does not run
    version integer NOT NULL,
    CHECK (cardinality(breaches) = cardinality(dues) AND passed <= cardinality(dues)),
    CHECK (due_on IS NULL OR due_on = dues[passed + 1])
);
CREATE INDEX clocks_due ON clocks (due_on, clock_id) WHERE due_on IS NOT NULL;
CREATE INDEX clocks_of_object ON clocks (object_id);
