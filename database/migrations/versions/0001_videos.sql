-- One row for each video: first the desired state, then the observed state, each with its own revision.
-- The API writes only desired states, the operator only observed ones.
CREATE TABLE videos (
    video_id          text PRIMARY KEY CHECK (video_id ~ '^[a-z0-9]{26}$'),
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),

    revision          bigint NOT NULL DEFAULT 1 CHECK (revision >= 1),
    origin            text NOT NULL CHECK (origin IN ('api', 'kubernetes')),
    owner             text NOT NULL CHECK (length(owner) BETWEEN 1 AND 255),
    title             text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    filename          text NOT NULL CHECK (length(filename) BETWEEN 1 AND 255),
    content_type      text NOT NULL CHECK (length(content_type) BETWEEN 1 AND 255),
    declared_bytes    bigint CHECK (declared_bytes >= 1),
    upload_mode       text NOT NULL CHECK (upload_mode IN ('single', 'multipart')),
    region            text NOT NULL CHECK (length(region) BETWEEN 1 AND 63),
    storage_key       text NOT NULL CHECK (length(storage_key) BETWEEN 1 AND 1024),
    profile           text NOT NULL CHECK (length(profile) BETWEEN 1 AND 63),
    edition           integer NOT NULL DEFAULT 1 CHECK (edition >= 1),
    retries           integer NOT NULL DEFAULT 0 CHECK (retries >= 0),
    confirmations     integer NOT NULL DEFAULT 0 CHECK (confirmations >= 0),
    deleted           boolean NOT NULL DEFAULT false,
    retired           boolean NOT NULL DEFAULT false,

    observed_revision bigint NOT NULL DEFAULT 1 CHECK (observed_revision >= 1),
    phase             text NOT NULL
        CHECK (phase IN ('pending', 'uploading', 'uploaded', 'processing', 'ready', 'errored')),
    phase_since       timestamptz NOT NULL,
    reason            text NOT NULL CHECK (length(reason) BETWEEN 1 AND 63),
    message           text NOT NULL CHECK (length(message) <= 1024),
    deadline_at       timestamptz,
    observed_edition  integer NOT NULL DEFAULT 1,
    observed_retries  integer NOT NULL DEFAULT 0,
    attempt           integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    attempt_floor     integer NOT NULL DEFAULT 0 CHECK (attempt_floor BETWEEN 0 AND attempt),
    job_id            text CHECK (length(job_id) BETWEEN 1 AND 128),
    progress_percent  integer NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    progress_at       timestamptz,
    rejections        integer NOT NULL DEFAULT 0 CHECK (rejections >= 0),
    rejected          jsonb,
    source            jsonb,
    published         jsonb,
    is_playable       boolean NOT NULL DEFAULT false,
    failure           jsonb,
    CHECK ((phase = 'errored') = (failure IS NOT NULL)),
    CHECK ((phase IN ('ready', 'errored')) = (deadline_at IS NULL))
);

-- The limit counts one owner's newest rows; the list of one owner pages in the same order.
CREATE INDEX videos_owner ON videos (owner, created_at, video_id);
-- The resync reads the working set only.
CREATE INDEX videos_working ON videos (video_id) WHERE NOT retired;

-- Every paid submission, stored before it is made. Numbered for the life of the video.
CREATE TABLE attempts (
    video_id    text NOT NULL REFERENCES videos ON DELETE CASCADE,
    attempt     integer NOT NULL CHECK (attempt >= 1),
    edition     integer NOT NULL,
    state       text NOT NULL CHECK (state IN
        ('intended', 'refused', 'uncertain', 'accepted', 'completed', 'failed', 'abandoned')),
    job_id      text CHECK (length(job_id) BETWEEN 1 AND 128),
    intended_at timestamptz NOT NULL,
    settled_at  timestamptz,
    answer      text CHECK (length(answer) <= 4096),
    PRIMARY KEY (video_id, attempt)
);
CREATE UNIQUE INDEX attempts_job ON attempts (job_id) WHERE job_id IS NOT NULL;

-- Job ids that signed callbacks claimed for an attempt. Believed only after asking Coconut.
CREATE TABLE job_claims (
    video_id   text NOT NULL REFERENCES videos ON DELETE CASCADE,
    attempt    integer NOT NULL CHECK (attempt >= 1),
    job_id     text NOT NULL CHECK (length(job_id) BETWEEN 1 AND 128),
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (video_id, attempt, job_id)
);

-- Append-only. `observed_revision` makes a second writing of the same observation impossible.
CREATE TABLE video_events (
    video_id          text NOT NULL REFERENCES videos ON DELETE CASCADE,
    observed_revision bigint NOT NULL,
    at                timestamptz NOT NULL,
    cause             text NOT NULL CHECK (cause IN ('client', 'poll', 'claim', 'person', 'sweep')),
    phase             text NOT NULL,
    reason            text NOT NULL,
    message           text NOT NULL CHECK (length(message) <= 1024),
    attempt           integer NOT NULL,
    PRIMARY KEY (video_id, observed_revision)
);
