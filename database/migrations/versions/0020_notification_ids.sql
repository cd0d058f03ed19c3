-- A dump lacks the newest notifications. Those of its videos are written again when the cluster has told how they ended,
-- and receivers recognise them only by their id. What was written before keeps its random one.
CREATE FUNCTION notification_id(video_id text, edition integer, kind text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(substring(sha256(convert_to(video_id || '/' || edition || '/' || kind, 'UTF8')) FOR 16), 'hex')::uuid;
