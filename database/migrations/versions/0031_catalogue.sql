-- Each list of all owners' videos is a walk along one index (database/catalogue.py). Built concurrently, so that no write
-- waits; an index that an interrupted build left behind is invalid, and removed first.
-- The condition of each always holds, and only the statements for which the index is made repeat it: for the list of an
-- owner who has many videos the planner would take one of these, and skip all others' videos that are newer.
DROP INDEX CONCURRENTLY IF EXISTS videos_created;
CREATE INDEX CONCURRENTLY videos_created ON videos (created_at, video_id) WHERE length(video_id) > 0;
-- By the phase people see, deleted ones apart, as videos_owner_listed of 0003.
DROP INDEX CONCURRENTLY IF EXISTS videos_listed;
CREATE INDEX CONCURRENTLY videos_listed ON videos
    ((CASE WHEN deleted THEN 'deleted' WHEN is_playable THEN 'ready' ELSE phase END), created_at, video_id)
    WHERE length(phase) > 0;
DROP INDEX CONCURRENTLY IF EXISTS videos_profile;
CREATE INDEX CONCURRENTLY videos_profile ON videos (profile, created_at, video_id) WHERE length(profile) > 0;
