-- The brokers that `requests` named last for a request are those of its referrals, and of what comes from them. While
-- it named none, a referral stays with the broker that made it.
CREATE FUNCTION brokers_of(referral uuid) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(broker_ids, '{}'), ARRAY[made::jsonb->>'brokerId'])
    FROM referrals JOIN requests USING (request_id) WHERE referral_id = referral
$$;

CREATE FUNCTION with_brokers(parties text[], brokers text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY(SELECT party FROM unnest(parties) AS party WHERE party NOT LIKE 'broker:%')
        || ARRAY(SELECT 'broker:' || broker FROM unnest(brokers) AS broker)
$$;

UPDATE referrals SET parties = with_brokers(parties, brokers_of(referral_id));
UPDATE activities SET parties = with_brokers(parties, brokers_of(referral_id)) WHERE referral_id IS NOT NULL;
