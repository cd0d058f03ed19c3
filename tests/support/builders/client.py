"""The video of the client's tests."""

from datetime import UTC, datetime

from videoupload import Video

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
VIDEO_ID = "mfrggzdfmztwq2lknnwg23tpoa"
_A_VIDEO = Video(
    id=VIDEO_ID,
    title="Cats",
    status="uploading",
    edition_status="uploading",
    progress=0,
    reason="WaitingForFile",
    waiting_for="a decision by the owner",
    what_to_do=None,
    deadline_at=None,
    is_playable=False,
    playback_url=None,
    thumbnail_url=None,
    duration_seconds=None,
    renditions=(),
    error=None,
    size_bytes=None,
    created_at=NOON,
    deleted_at=None,
    restorable_until=None,
)


def a_video(status: str, **changes: object) -> Video:
    """Return a video in a phase."""
    return _A_VIDEO.model_copy(update={"status": status, "edition_status": status, **changes})
