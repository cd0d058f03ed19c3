-- Which video an owner's request made, by the client's own name for the request, for a day. Written in the transaction
-- that makes the video, so the two are there together or not at all. No URL is kept: it is signed again from the row.
CREATE TABLE idempotency_keys (
    owner           text NOT NULL,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint     text NOT NULL CHECK (length(fingerprint) = 64),
    video_id        text NOT NULL REFERENCES videos ON DELETE CASCADE,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_video ON idempotency_keys (video_id);

-- What the client wants to find again with its video. Nothing here looks into it.
ALTER TABLE videos
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object');
