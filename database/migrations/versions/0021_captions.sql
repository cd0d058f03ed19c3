-- What the owner wants, written by the API, and what the operator made public. A constant default rewrites no row.
ALTER TABLE videos
    ADD COLUMN captions jsonb NOT NULL DEFAULT '{"tracks": [], "replaced": []}',
    ADD COLUMN captions_published jsonb NOT NULL
        DEFAULT '{"captions": {"tracks": [], "replaced": []}, "attempt": 0, "first_timestamp": null}';

CREATE TABLE caption_texts (
    video_id text NOT NULL REFERENCES videos ON DELETE CASCADE,
    language text NOT NULL CHECK (length(language) BETWEEN 2 AND 35),
    digest   text NOT NULL CHECK (length(digest) = 32),
    body     text NOT NULL CHECK (octet_length(body) <= 2097152),
    PRIMARY KEY (video_id, language)
);
