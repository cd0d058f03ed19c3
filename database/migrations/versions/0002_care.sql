-- What people may request after an upload, and what is kept of purged videos.
-- Only additions and wider checks: the previous release keeps working on this schema.
ALTER TABLE videos
    ADD COLUMN deleted_at  timestamptz,
    ADD COLUMN is_paused   boolean NOT NULL DEFAULT false,
    -- Confirmations up to this number were about files of earlier tries.
    ADD COLUMN confirmations_floor integer NOT NULL DEFAULT 0 CHECK (confirmations_floor >= 0),
    ADD COLUMN retry_token text CHECK (length(retry_token) BETWEEN 1 AND 128),
    -- New editions that the audit requested because a published file was lost; bounded by a setting.
    ADD COLUMN heals       integer NOT NULL DEFAULT 0 CHECK (heals >= 0);

-- The user who applies an import names it, and may leave out what only an API client knows.
ALTER TABLE videos
    DROP CONSTRAINT videos_video_id_check,
    ADD CONSTRAINT videos_video_id_check CHECK (video_id ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
    DROP CONSTRAINT videos_owner_check,
    ADD CONSTRAINT videos_owner_check CHECK (length(owner) BETWEEN (origin = 'api')::integer AND 255),
    DROP CONSTRAINT videos_title_check,
    ADD CONSTRAINT videos_title_check CHECK (length(title) BETWEEN (origin = 'api')::integer AND 500),
    DROP CONSTRAINT videos_filename_check,
    ADD CONSTRAINT videos_filename_check CHECK (length(filename) BETWEEN (origin = 'api')::integer AND 255),
    DROP CONSTRAINT videos_content_type_check,
    ADD CONSTRAINT videos_content_type_check CHECK (length(content_type) BETWEEN (origin = 'api')::integer AND 255),
    DROP CONSTRAINT videos_region_check,
    ADD CONSTRAINT videos_region_check CHECK (length(region) BETWEEN (origin = 'api')::integer AND 63);

-- Videos that wait for their purge, oldest first.
CREATE INDEX videos_deleted ON videos (deleted_at) WHERE deleted_at IS NOT NULL;
-- Dead letters, newest first.
CREATE INDEX videos_errored ON videos (phase_since, video_id) WHERE phase = 'errored';
-- How many jobs run at this moment.
CREATE INDEX videos_processing ON videos (video_id) WHERE phase = 'processing';

-- Notifications of owners, written in the transaction that made them true: one for each edition and kind.
-- They outlive their video, so that its deletion is notified too.
CREATE TABLE notifications (
    notification_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id        text NOT NULL,
    edition         integer NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('video.ready', 'video.errored', 'video.deleted')),
    owner           text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (video_id, edition, kind)
);
CREATE INDEX notifications_age ON notifications (created_at);

-- Videos that were purged: nothing left over may bring them back. `last_attempt`: an import of the same name
-- goes on counting there, so that an old job never writes where a new one does.
CREATE TABLE tombstones (
    video_id     text PRIMARY KEY,
    purged_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_attempt integer NOT NULL CHECK (last_attempt >= 0)
);
CREATE INDEX tombstones_age ON tombstones (purged_at);

-- Objects in the bucket that belong to no row. They are removed only when an administrator asks for it.
CREATE TABLE quarantine (
    object_key text PRIMARY KEY CHECK (length(object_key) BETWEEN 1 AND 1024),
    file_bytes bigint NOT NULL CHECK (file_bytes >= 0),
    found_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
