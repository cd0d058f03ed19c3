-- Editions that an owner asked for by hand, written in the transaction that wishes for them: each may buy jobs, so a
-- day's are counted. What the audit asks for is counted in the row (`heals`).
CREATE TABLE retranscodes (
    video_id text NOT NULL REFERENCES videos ON DELETE CASCADE,
    edition  integer NOT NULL CHECK (edition >= 2),
    owner    text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (video_id, edition)
);
CREATE INDEX retranscodes_owner ON retranscodes (owner, asked_at);
