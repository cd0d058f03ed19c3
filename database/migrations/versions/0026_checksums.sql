-- The MD5 of the file in base64 (RFC 1864), if the client declared it. The previous release signs uploads without it.
ALTER TABLE videos ADD COLUMN content_md5 text CHECK (length(content_md5) = 24);
