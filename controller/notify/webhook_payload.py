"""What a webhook says: a pure function of the notification, so every repetition sends the same bytes."""

from typing import Any

import orjson

from domain.failures import ADVICE
from domain.notifications import Notification, NotificationKind
from domain.object_keys import playback_url


def build_payload(told: Notification, *, playback_base: str) -> bytes:
    """Return the body. It names public URLs only: a signed one would outlive its purpose in somebody's log."""
    data = {} if told.kind is NotificationKind.TEST else _about_video(told, playback_base)
    return orjson.dumps({"type": told.kind, "timestamp": told.created_at, "data": data}, option=orjson.OPT_UTC_Z)


def _about_video(told: Notification, playback_base: str) -> dict[str, Any]:
    return {
        "video_id": told.video_id,
        "sequence": told.sequence,
        "edition": told.edition,
        "owner": told.owner,
        "title": told.title,
        "metadata": dict(told.metadata),
        "is_playable": told.is_playable,
        "playback_url": playback_url(playback_base, told.video_id) if told.is_playable else None,
        "error": _error(told),
    }


def _error(told: Notification) -> dict[str, Any] | None:
    if told.failure is None:
        return None
    advice = ADVICE[told.failure.code]
    return {
        "code": told.failure.code,
        "message": told.failure.message,
        "stage": advice.stage,
        "retryable": advice.retryable,
        "what_to_do": advice.action,
    }
