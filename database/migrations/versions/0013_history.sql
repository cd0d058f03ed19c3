-- The history also has a line for each deletion and restoration. They change the desired state and not the observed one,
-- so the key is both revisions; `desired_revision` is 0 for an observation.
ALTER TABLE video_events
    ADD COLUMN desired_revision bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT video_events_pkey,
    ADD PRIMARY KEY (video_id, observed_revision, desired_revision);
