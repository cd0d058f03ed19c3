-- Which bucket a quarantined object is in: two regions may have objects of the same name. Empty: that of the home region.
-- The previous release works on one bucket, and names no constraint: it keeps working on this schema.
ALTER TABLE quarantine ADD COLUMN region text NOT NULL DEFAULT '' CHECK (length(region) <= 63);
ALTER TABLE quarantine DROP CONSTRAINT quarantine_pkey, ADD PRIMARY KEY (region, object_key);
