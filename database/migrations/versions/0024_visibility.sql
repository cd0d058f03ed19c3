-- Who can read a video's stream, as its owner wants it, and whether its files lie below the private prefix. A constant
-- default rewrites no row. The previous release keeps working on this schema as long as no private video is created.
ALTER TABLE videos
    ADD COLUMN visibility text NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'private')),
    ADD COLUMN is_private boolean NOT NULL DEFAULT false;
-- A notification about a private video names no URL.
ALTER TABLE notifications ADD COLUMN is_private boolean NOT NULL DEFAULT false;
