-- Notifications about captions, for endpoints that ask for them: as many for an edition as its captions change.
-- The previous release keeps working on this schema as long as no endpoint asks for the new kind. Built while the service
-- works; an index that an interrupted build left behind is invalid, and removed first.
ALTER TABLE notifications ADD COLUMN IF NOT EXISTS languages text[];
DROP INDEX CONCURRENTLY IF EXISTS notifications_once;
CREATE UNIQUE INDEX CONCURRENTLY notifications_once ON notifications (video_id, edition, kind)
    WHERE kind <> 'video.captions';
ALTER TABLE notifications
    DROP CONSTRAINT IF EXISTS notifications_video_id_edition_kind_key,
    DROP CONSTRAINT IF EXISTS notifications_kind_check,
    ADD CONSTRAINT notifications_kind_check CHECK (kind IN (
        'video.uploaded', 'video.processing', 'video.ready', 'video.errored', 'video.deleted', 'video.captions',
        'webhook.test')) NOT VALID;
ALTER TABLE notifications VALIDATE CONSTRAINT notifications_kind_check;
