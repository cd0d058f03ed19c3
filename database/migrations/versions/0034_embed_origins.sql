-- Null: those of the installation, which is what the previous release knows.
ALTER TABLE videos ADD COLUMN embed_origins text[] CHECK (cardinality(embed_origins) <= 20);
