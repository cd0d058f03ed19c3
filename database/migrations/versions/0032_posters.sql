-- What the owner wants, written by the API, and what the operator made public. A constant default rewrites no row.
ALTER TABLE videos
    ADD COLUMN poster jsonb NOT NULL DEFAULT '{"digest": null, "change": 0}',
    ADD COLUMN poster_published jsonb NOT NULL DEFAULT '{"digest": null, "change": 0}';

-- A picture that is wanted; JPEG does not compress.
CREATE TABLE posters (
    video_id text PRIMARY KEY REFERENCES videos ON DELETE CASCADE,
    digest   text NOT NULL CHECK (length(digest) = 32),
    body     bytea NOT NULL CHECK (octet_length(body) <= 525312)
);
ALTER TABLE posters ALTER COLUMN body SET STORAGE EXTERNAL;
