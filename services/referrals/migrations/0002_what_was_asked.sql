-- What a partner needs to know of a request stands in the referral: so it is kept when it is heard of.
ALTER TABLE requests ADD COLUMN asked text;  -- RequestDetails as JSON; null: RequestRaised has not come
