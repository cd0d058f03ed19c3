-- The URL is the owner's secret. How far the fetch is changes neither revision: the resource shows none of it.
ALTER TABLE videos
    ADD COLUMN source_url text CHECK (length(source_url) <= 2048),
    ADD COLUMN source_fetch jsonb;
