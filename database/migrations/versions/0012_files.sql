-- The folder that the newest attempt's job writes to. NULL: the attempt is from before folders had random names, and its
-- number is the name. And whether the public files were moved out of reach because the video was deleted: those of
-- videos that are deleted already will be.
ALTER TABLE videos
    ADD COLUMN folder text,
    ADD COLUMN is_withdrawn boolean NOT NULL DEFAULT false;
UPDATE videos SET is_withdrawn = true WHERE deleted AND NOT is_playable;
