-- Editions that an owner requested, written in the same transaction. Each may buy jobs, so those of a day are counted.
-- The audit's editions are counted in the row (`heals`).
CREATE TABLE retranscodes (
    video_id text NOT NULL REFERENCES videos ON DELETE CASCADE,
    edition  integer NOT NULL CHECK (edition >= 2),
    owner    text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (video_id, edition)
);
CREATE INDEX retranscodes_owner ON retranscodes (owner, asked_at);
