-- The plans of rollouts: one for each hash that a profile with a rollout had, the newest of them current.
-- `declared`: what people declare, as the operator read it at `declared_at`; `outputs`: billed ones of the profile;
-- `dollars_per_minute`: of such an output. `may_buy`: whether what was started may be submitted. `judged_since`: the
-- failure rate is about videos that came to rest later; a person moves it by `resume_token`. `outdated`: as counted at
-- `counted_at`; `planned`, `minutes`, `dollars`: the same before the first video was started. `done`, `failed`,
-- `spent_dollars`: of the videos that came to rest.
CREATE TABLE rollouts (
    plan               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    profile            text NOT NULL CHECK (length(profile) BETWEEN 1 AND 63),
    hash               text NOT NULL CHECK (hash ~ '^[0-9a-f]{16}$'),
    outputs            integer NOT NULL CHECK (outputs >= 1),
    dollars_per_minute double precision NOT NULL CHECK (dollars_per_minute >= 0),
    declared           jsonb NOT NULL,
    declared_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    superseded_at      timestamptz,
    is_approved        boolean NOT NULL DEFAULT false,
    state              text NOT NULL DEFAULT 'Planning' CHECK (length(state) BETWEEN 1 AND 63),
    may_buy            boolean NOT NULL DEFAULT false,
    resume_token       text CHECK (length(resume_token) BETWEEN 1 AND 128),
    judged_since       timestamptz,
    counted_at         timestamptz,
    outdated           integer CHECK (outdated >= 0),
    planned            integer NOT NULL DEFAULT 0 CHECK (planned >= 0),
    minutes            double precision NOT NULL DEFAULT 0 CHECK (minutes >= 0),
    dollars            double precision NOT NULL DEFAULT 0 CHECK (dollars >= 0),
    first_started_at   timestamptz,
    done               integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    failed             integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    spent_dollars      double precision NOT NULL DEFAULT 0 CHECK (spent_dollars >= 0)
);
CREATE UNIQUE INDEX rollouts_current ON rollouts (profile) WHERE superseded_at IS NULL;
CREATE INDEX rollouts_superseded ON rollouts (superseded_at) WHERE superseded_at IS NOT NULL;

-- The videos that a plan has started, each at most once: the primary key is what a restart cannot get past. `dollars`:
-- the most that it can cost while it runs, then what it did cost. `result`: NULL until it came to rest.
CREATE TABLE rollout_videos (
    plan       bigint NOT NULL REFERENCES rollouts ON DELETE CASCADE,
    video_id   text NOT NULL REFERENCES videos ON DELETE CASCADE,
    profile    text NOT NULL,
    edition    integer NOT NULL CHECK (edition >= 2),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    result     text CHECK (result IN ('done', 'failed', 'dropped')),
    dollars    double precision NOT NULL CHECK (dollars >= 0),
    PRIMARY KEY (plan, video_id),
    CHECK ((settled_at IS NULL) = (result IS NULL))
);
-- For the foreign key, when a video is purged.
CREATE INDEX rollout_videos_video ON rollout_videos (video_id);
CREATE INDEX rollout_videos_running ON rollout_videos (profile) WHERE result IS NULL;
-- Those of an hour and of a day.
CREATE INDEX rollout_videos_started ON rollout_videos (profile, started_at);
-- The newest that came to rest.
CREATE INDEX rollout_videos_settled ON rollout_videos (plan, settled_at) WHERE result IS NOT NULL;

-- The newest edition that a rollout asked for: it counts against no owner's limits. The previous release counts it.
ALTER TABLE videos ADD COLUMN rollout_edition integer;

-- What each ready video was made with, oldest first: what is outdated is counted and taken from here. The hash is that of
-- the original specification, which editions from before profiles were made with.
CREATE INDEX videos_made_with
    ON videos (profile, (coalesce(published ->> 'profile_hash', '22eede1a7d238624')), created_at, video_id)
    WHERE origin = 'api' AND NOT deleted AND phase = 'ready' AND is_playable;
