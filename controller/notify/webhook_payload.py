"""Builds the body of a webhook: a pure function of the notification, so every repetition sends the same bytes."""

from typing import Any

import orjson

from domain.failures import ADVICE
from domain.notifications import Notification, NotificationKind
from domain.object_keys import playback_url


def build_payload(notification: Notification, *, playback_base: str) -> bytes:
    """Return the body. It has public URLs only: a signed one would end up in the receiver's logs."""
    data = {} if notification.kind is NotificationKind.TEST else _about_video(notification, playback_base)
    return orjson.dumps(
        {"type": notification.kind, "timestamp": notification.created_at, "data": data}, option=orjson.OPT_UTC_Z
    )


def _about_video(notification: Notification, playback_base: str) -> dict[str, Any]:
    return {
        "video_id": notification.video_id,
        "sequence": notification.sequence,
        "edition": notification.edition,
        "owner": notification.owner,
        "title": notification.title,
        "metadata": dict(notification.metadata),
        "is_playable": notification.is_playable,
        "playback_url": playback_url(playback_base, notification.video_id) if notification.is_playable else None,
        "error": _error(notification),
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
