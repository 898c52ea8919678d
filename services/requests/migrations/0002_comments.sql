-- What people add in words: for the people concerned, never in an event.
CREATE TABLE comments (
    request_id uuid NOT NULL REFERENCES requests,
    version integer NOT NULL,  -- the version of the request that it explains
    comment text NOT NULL,
    PRIMARY KEY (request_id, version)
);
