-- Work lists: whose turn it is, up to which day. One row per running clock that somebody must act for, and holder.
CREATE TABLE work (
    clock_id uuid NOT NULL,
    holder text NOT NULL,  -- as party:organisation
    act_by date NOT NULL,
    PRIMARY KEY (clock_id, holder)
);
CREATE INDEX work_of_holder ON work (holder, act_by, clock_id);
