-- Referrals wait, fail and are voided; what has begun is asked back; who asked confirms or disputes the outcome.
ALTER TABLE referrals DROP CONSTRAINT referrals_status_check;
ALTER TABLE referrals ADD CHECK (status IN ('requested', 'accepted', 'waitlisted', 'in_progress', 'completed', 'declined', 'withdrawn', 'expired', 'failed', 'voided'));
ALTER TABLE referrals DROP CONSTRAINT referrals_check;
ALTER TABLE referrals ADD CHECK (
    (status IN ('waitlisted', 'declined', 'withdrawn', 'failed', 'voided')) = (reason IS NOT NULL)
);
ALTER TABLE referrals
    ADD COLUMN was_accepted boolean NOT NULL DEFAULT false,
    ADD COLUMN acknowledged boolean NOT NULL DEFAULT false,
    ADD COLUMN review_on date,
    ADD COLUMN withdrawal text,  -- Reason as JSON: why the sender asks it back
    ADD COLUMN confirmed_by text[] NOT NULL DEFAULT '{}',
    ADD COLUMN disputed_by text[] NOT NULL DEFAULT '{}',
    ADD CHECK ((status = 'waitlisted') = (review_on IS NOT NULL)),
    ADD CHECK (withdrawal IS NULL OR status = 'in_progress'),
    ADD CHECK (NOT confirmed_by && disputed_by);
UPDATE referrals SET was_accepted = true WHERE status IN ('accepted', 'in_progress', 'completed');

ALTER TABLE activities DROP CONSTRAINT activities_status_check;
ALTER TABLE activities ADD CHECK (status IN ('planned', 'delivered', 'cancelled', 'not_held', 'retracted'));

-- What `requests` says of a request: it may be withdrawn, voided, reopened and amended.
ALTER TABLE requests DROP CONSTRAINT requests_status_check;
ALTER TABLE requests ADD CHECK (status IN ('raised', 'assigned', 'no_broker', 'answered', 'closed', 'withdrawn', 'voided'));
ALTER TABLE requests
    ADD COLUMN asked_epoch integer NOT NULL DEFAULT 0,  -- of what said what is asked
    ADD COLUMN asked_version integer NOT NULL DEFAULT 0,
    ADD COLUMN answer_epoch integer NOT NULL DEFAULT 0,  -- of what said the answer
    ADD COLUMN answer_version integer NOT NULL DEFAULT 0;
UPDATE requests SET asked_epoch = 1, asked_version = 1 WHERE asked IS NOT NULL;
UPDATE requests SET answer_epoch = epoch, answer_version = version WHERE answer IS NOT NULL;
