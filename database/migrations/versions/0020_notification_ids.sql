-- A dump lacks the newest notifications. They are written again once the cluster shows how their videos ended, and
-- receivers recognise them only by their id. What was written before this migration keeps its random one.
CREATE FUNCTION notification_id(video_id text, edition integer, kind text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(substring(sha256(convert_to(video_id || '/' || edition || '/' || kind, 'UTF8')) FOR 16), 'hex')::uuid;
