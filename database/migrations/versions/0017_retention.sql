-- Failed uploads are deleted after a while, their files earlier (database/retention.py); a restore begins that time again.
ALTER TABLE videos ADD COLUMN restored_at timestamptz;
CREATE INDEX videos_kept ON videos (greatest(phase_since, restored_at))
    WHERE phase = 'errored' AND origin = 'api' AND NOT deleted AND NOT is_playable;
CREATE INDEX videos_kept_file ON videos (greatest(phase_since, restored_at))
    WHERE phase = 'errored' AND origin = 'api' AND NOT deleted AND NOT is_playable AND reason <> 'FileRemoved';
