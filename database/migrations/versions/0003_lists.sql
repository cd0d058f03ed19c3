-- Each list of one owner's videos is a range of one index, so that no page costs more than another
-- (database/queries.py). The whole list uses videos_owner of 0001.

-- By the phase people see, with those apart that can be restored. Not partial: the planner takes the frequencies of an
-- expression from whole indexes only, and without them it would rather sort an owner's thousands than walk to the page.
CREATE INDEX videos_owner_listed ON videos
    (owner, (CASE WHEN deleted THEN 'deleted' WHEN is_playable THEN 'ready' ELSE phase END), created_at, video_id);
-- Dead letters, those included that can still be played.
CREATE INDEX videos_owner_errored ON videos (owner, created_at, video_id) WHERE phase = 'errored' AND NOT deleted;
