"""How the command describes videos: functions that return text."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from videoupload.models import Caption, Event, Video

_LABEL_WIDTH = 12


def megabytes(count: int) -> str:
    """Return a number of bytes in megabytes."""
    return f"{count / 1e6:.1f} MB"


def video_lines(video: Video) -> list[str]:
    """Describe one video: what it is, what it waits for, what to do."""
    rows: list[tuple[str, str | None]] = [
        ("id", video.id),
        ("title", video.title),
        ("status", _status(video)),
        ("waiting for", video.waiting_for),
        ("what to do", video.what_to_do),
        ("deadline", _time(video.deadline_at)),
        ("error", _error(video)),
        ("visibility", video.visibility),
        ("shown by", _sites(video)),
        ("profile", video.profile),
        ("region", video.region),
        ("playback", video.playback_url),
        ("thumbnail", video.thumbnail_url),
        ("poster", video.poster),
        ("duration", None if video.duration_seconds is None else f"{video.duration_seconds:.1f} s"),
        ("renditions", ", ".join(f"{one.width}x{one.height}" for one in video.renditions) or None),
        ("size", None if video.size_bytes is None else megabytes(video.size_bytes)),
        ("created", _time(video.created_at)),
        ("deleted", _time(video.deleted_at)),
        ("restorable", None if video.restorable_until is None else f"until {_time(video.restorable_until)}"),
    ]
    return [f"{label:<{_LABEL_WIDTH}} {text}" for label, text in rows if text]


def _sites(video: Video) -> str | None:
    return None if video.embed_origins is None else ", ".join(video.embed_origins) or "no other site"


def list_lines(videos: Sequence[Video]) -> list[str]:
    """Describe many videos, one per line."""
    return _table(
        ("ID", "STATUS", "CREATED", "TITLE"),
        [(video.id, _status(video), _time(video.created_at) or "", video.title) for video in videos],
    )


def event_lines(events: Iterable[Event]) -> list[str]:
    """Describe the history of a video, one transition per line, oldest first."""
    rows = [(_time(event.at) or "", event.status, event.reason, event.cause, event.message) for event in events]
    return _table(("AT", "STATUS", "REASON", "CAUSE", ""), rows)


def caption_lines(captions: Iterable[Caption]) -> list[str]:
    """Describe captions, one language per line."""
    rows = [(one.language, one.status, "yes" if one.default else "no", one.label) for one in captions]
    return _table(("LANGUAGE", "STATUS", "DEFAULT", "LABEL"), rows)


def progress(video: Video) -> str:
    """Describe the status of a video in one line."""
    return ", ".join(filter(None, (video.status, waiting(video))))


def waiting(video: Video) -> str:
    """Describe what a video waits for; empty if it waits for nothing."""
    return f"waiting for {video.waiting_for}" if video.waiting_for else ""


def failure(video: Video) -> str:
    """Describe why a video is not ready, and what to do."""
    if video.deleted_at is not None:
        return f"video {video.id} was deleted"
    if video.error is None:
        return f"video {video.id} is {video.status}"
    return f"video {video.id} failed ({video.error.code}): {video.error.message}\n{video.error.what_to_do}"


def _status(video: Video) -> str:
    shown = "deleted" if video.deleted_at else video.status
    if video.status == "processing" and not video.deleted_at:
        return f"{shown} {video.progress} %"
    return shown if video.edition_status == video.status else f"{shown} (newest: {video.edition_status})"


def _error(video: Video) -> str | None:
    return None if video.error is None else f"{video.error.code}: {video.error.message}"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heading, *rows)
    ]
