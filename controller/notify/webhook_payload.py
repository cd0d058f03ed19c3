"""Builds the body of a webhook: a pure function of the notification, so every repetition sends the same bytes.

CloudEvents 1.0 in structured JSON: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from typing import Any

import orjson

from domain.failures import ADVICE
from domain.notifications import Notification, NotificationKind, WebhookFormat
from domain.object_keys import playback_url

MEDIA_TYPES = {
    WebhookFormat.STANDARD: "application/json",
    WebhookFormat.CLOUDEVENTS: "application/cloudevents+json",
}
# Types are prefixed with a reversed domain name: that of the resource's API group.
_TYPE_PREFIX = "dev.uploads."


def build_payload(
    notification: Notification, *, playback_base: str, form: WebhookFormat = WebhookFormat.STANDARD
) -> bytes:
    """Return the body. It has public URLs only: a signed one would end up in the receiver's logs."""
    is_test = notification.kind is NotificationKind.TEST
    data = {} if is_test else _about_video(notification, playback_base)
    body: dict[str, Any] = {"type": notification.kind, "timestamp": notification.created_at, "data": data}
    if form is WebhookFormat.CLOUDEVENTS:
        body = {
            "specversion": "1.0",
            "id": str(notification.notification_id),
            "source": playback_base,
            "type": f"{_TYPE_PREFIX}{notification.kind}",
            "time": notification.created_at,
            "datacontenttype": "application/json",
            **({} if is_test else {"subject": notification.video_id}),
            "data": data,
        }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def _about_video(notification: Notification, playback_base: str) -> dict[str, Any]:
    return {
        "video_id": notification.video_id,
        "sequence": notification.sequence,
        "edition": notification.edition,
        "owner": notification.owner,
        "title": notification.title,
        "metadata": dict(notification.metadata),
        "is_playable": notification.is_playable,
        "playback_url": playback_url(playback_base, notification.video_id) if notification.has_public_stream else None,
        "error": _error(notification),
        **({} if notification.languages is None else {"captions": list(notification.languages)}),
    }


def _error(notification: Notification) -> dict[str, Any] | None:
    if notification.failure is None:
        return None
    advice = ADVICE[notification.failure.code]
    return {
        "code": notification.failure.code,
        "message": notification.failure.message,
        "stage": advice.stage,
        "retryable": advice.retryable,
        "what_to_do": advice.action,
    }
