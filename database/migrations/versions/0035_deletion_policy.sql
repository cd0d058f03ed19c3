-- A constant default rewrites no row; it is what the previous release does.
ALTER TABLE videos
    ADD COLUMN deletion_policy text NOT NULL DEFAULT 'delete' CHECK (deletion_policy IN ('delete', 'retain'));
