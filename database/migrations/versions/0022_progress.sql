-- Notifications of an upload's progress, for endpoints that ask for them, and the form of an endpoint's messages.
-- The previous release keeps working on this schema as long as no endpoint asks for the new kinds.
ALTER TABLE notifications
    DROP CONSTRAINT notifications_kind_check,
    ADD CONSTRAINT notifications_kind_check CHECK (kind IN (
        'video.uploaded', 'video.processing', 'video.ready', 'video.errored', 'video.deleted', 'webhook.test'));
ALTER TABLE webhook_endpoints
    ADD COLUMN format text NOT NULL DEFAULT 'standard' CHECK (format IN ('standard', 'cloudevents'));
