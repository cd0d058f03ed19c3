"""Playback of private videos: how long their signed URLs last, and playlists with other URIs. Pure.

Every URI of a playlist is signed, since the URIs of its files are relative and lose the query of its own URL.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# How long the URL of a playlist or a picture can be opened, at most; who opens it may watch to the end.
LINK_SECONDS = 3600
# URLs that are signed within one step are equal, so that responses do not change with each request and playlists can
# be kept.
STEP_SECONDS = 900
# A signature of S3 lasts a week at most.
_VIEWING_SECONDS_MAX = 6 * 24 * 3600
_BREAK_SECONDS = 3600

_URI_ATTRIBUTE = re.compile(r'(?<=[:,])URI="([^"]*)"')


@dataclass(frozen=True)
class PlaybackTimes:
    """How long links and viewings last. Tests shorten all of it by the factor ``scale``."""

    scale: float = 1.0

    def begin_of_step(self, now: datetime) -> datetime:
        """Return the instant at which everything that is signed now counts as signed."""
        seconds = int(now.timestamp())
        return datetime.fromtimestamp(seconds - seconds % self._step_seconds, UTC)

    def link_ends_at(self, now: datetime) -> datetime:
        """Return until when the URL of a playlist or a picture can be opened."""
        return self.begin_of_step(now) + timedelta(seconds=round(LINK_SECONDS * self.scale))

    def viewing_ends_at(self, now: datetime, duration_seconds: float) -> datetime:
        """Return until when someone may watch who opens the playlist now."""
        seconds = self._step_seconds + self.viewing_seconds(duration_seconds)
        return self.begin_of_step(now) + timedelta(seconds=seconds)

    def viewing_seconds(self, duration_seconds: float) -> int:
        """Return how long someone may watch once the playlist is open: twice the duration, and an hour for breaks."""
        return round(min(_VIEWING_SECONDS_MAX, int(2 * duration_seconds) + _BREAK_SECONDS) * self.scale)

    @property
    def _step_seconds(self) -> int:
        return max(1, round(STEP_SECONDS * self.scale))


def with_uris(playlist: str, replace: Callable[[str], str]) -> str:
    """Return a playlist (RFC 8216, 4.1 and 4.2) in which every URI is replaced."""

    def changed(line: str) -> str:
        if line.startswith("#EXT"):
            return _URI_ATTRIBUTE.sub(lambda match: f'URI="{replace(match[1])}"', line)
        return line if line.startswith("#") or not line.strip() else replace(line.strip())

    return "\n".join(map(changed, playlist.splitlines())) + "\n"
