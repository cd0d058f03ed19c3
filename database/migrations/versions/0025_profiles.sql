-- The TranscodeProfiles as the operator last listed them: what the API and the passes read. A deleted one stays as long
-- as videos name it, so that none of them is stuck.
CREATE TABLE transcode_profiles (
    name       text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),
    spec       jsonb NOT NULL,
    hash       text NOT NULL CHECK (hash ~ '^[0-9a-f]{16}$'),
    deleted_at timestamptz
);

-- What the newest attempt was ordered with. The previous release leaves it as it is: its attempts are judged by it, which
-- is right for the default profile, and no other one is in use before every process is of this release.
ALTER TABLE videos
    ADD COLUMN ordered jsonb;
