-- Paid submissions are counted by owner and day. An import has no owner here: the limits of users do not hold for it.
-- `minutes` is the most that the job can bill, and what it did bill once that is known. Attempts that the previous
-- release made have neither, and count towards no limit.
ALTER TABLE attempts
    ADD COLUMN owner   text CHECK (length(owner) BETWEEN 1 AND 255),
    ADD COLUMN minutes double precision NOT NULL DEFAULT 0 CHECK (minutes >= 0);
CREATE INDEX attempts_owner ON attempts (owner, intended_at) WHERE owner IS NOT NULL;
CREATE INDEX attempts_day ON attempts (intended_at);

-- The queue of uploads that wait for a place.
CREATE INDEX videos_uploaded ON videos (phase_since) WHERE phase = 'uploaded' AND NOT deleted;

-- A retry may buy as much as a re-transcode does, and is counted beside it. `edition` holds the number of the retry.
ALTER TABLE retranscodes
    ADD COLUMN kind text NOT NULL DEFAULT 'retranscode' CHECK (kind IN ('retranscode', 'retry')),
    DROP CONSTRAINT retranscodes_pkey,
    DROP CONSTRAINT retranscodes_edition_check,
    ADD CONSTRAINT retranscodes_edition_check CHECK (edition >= 1),
    ADD PRIMARY KEY (video_id, kind, edition);
DROP INDEX retranscodes_owner;
CREATE INDEX retranscodes_owner ON retranscodes (owner, kind, asked_at);
