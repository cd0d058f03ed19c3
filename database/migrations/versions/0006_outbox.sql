-- How notifications leave. Only additions and a wider check: the previous release keeps working on this schema.

-- The owner's address, from the token that requested the upload.
ALTER TABLE videos
    ADD COLUMN owner_email text CHECK (length(owner_email) BETWEEN 3 AND 254);

-- The content stays as it was when it became true: every repetition sends the same bytes. `sequence` is the revision
-- of the observation, so it rises with the video, also after Postgres was restored from an older dump.
ALTER TABLE notifications
    ADD COLUMN sequence bigint NOT NULL DEFAULT 0,
    ADD COLUMN title text NOT NULL DEFAULT '',
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN email text,
    ADD COLUMN failure jsonb,
    ADD COLUMN is_playable boolean NOT NULL DEFAULT false,
    -- Existing ones were written when there were no endpoints.
    ADD COLUMN is_dispatched boolean NOT NULL DEFAULT true,
    ALTER COLUMN is_dispatched SET DEFAULT false,
    DROP CONSTRAINT notifications_kind_check,
    ADD CONSTRAINT notifications_kind_check
        CHECK (kind IN ('video.ready', 'video.errored', 'video.deleted', 'webhook.test'));
CREATE INDEX notifications_waiting ON notifications (created_at) WHERE NOT is_dispatched;

-- Webhook endpoints. `held_until`: the endpoint asked for no deliveries until then.
CREATE TABLE webhook_endpoints (
    endpoint_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    url             text NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
    description     text NOT NULL CHECK (length(description) <= 200),
    kinds           text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 8),
    disabled_at     timestamptz,
    disabled_reason text CHECK (disabled_reason IN ('person', 'gone')),
    held_until      timestamptz,
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);

-- Every secret signs, so that one can be replaced while the other still verifies.
CREATE TABLE webhook_secrets (
    secret_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    secret      text NOT NULL CHECK (secret LIKE 'whsec\_%')
);
CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id, created_at);

-- One row for each notification and receiver; without an endpoint it goes to the owner by mail. Moving `next_at` ahead
-- leases a row: if the sender dies, it is due again then.
CREATE TABLE deliveries (
    delivery_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    notification_id uuid NOT NULL REFERENCES notifications ON DELETE CASCADE,
    endpoint_id     uuid REFERENCES webhook_endpoints ON DELETE CASCADE,
    lane            text NOT NULL GENERATED ALWAYS AS (coalesce(endpoint_id::text, 'mail')) STORED,
    video_id        text NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at         timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at      timestamptz,
    last_status     integer,
    last_answer     text CHECK (length(last_answer) <= 1024),
    UNIQUE (notification_id, lane),
    CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE INDEX deliveries_due ON deliveries (lane, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_newest ON deliveries (created_at, delivery_id);
CREATE INDEX deliveries_video ON deliveries (video_id, created_at, delivery_id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, created_at, delivery_id);
