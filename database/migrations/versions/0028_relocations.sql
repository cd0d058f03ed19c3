-- Whether files of a video may lie below both prefixes, since who can play it was changed. A constant default rewrites no
-- row. The previous release changes no visibility, so it leaves every move to this one.
ALTER TABLE videos ADD COLUMN is_relocating boolean NOT NULL DEFAULT false;
