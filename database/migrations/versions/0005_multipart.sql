-- Files that come in parts: how large the parts are, and the upload at storage that takes them. An upload is opened
-- after its row was committed, and may be aborted and opened again: the row names the newest one.
ALTER TABLE videos
    ADD COLUMN part_bytes bigint CHECK (part_bytes >= 1),
    ADD COLUMN upload_id  text CHECK (length(upload_id) BETWEEN 1 AND 1024);
