"""URLs of private videos: of the playlist that a player opens, and of the picture and the captions. Pure."""

from dataclasses import dataclass
from datetime import datetime

from domain.playback import link_ends_at
from webapi.http.playback_tokens import Grant, PlaybackTokens, Use

PLAYBACK_PATH = "/api/v1/playback"


@dataclass(frozen=True)
class PlaybackLinks:
    """Makes URLs that players open without a user's token. ``base``: the API's own, without a trailing slash."""

    base: str
    tokens: PlaybackTokens

    def playlist(self, video_id: str, now: datetime) -> str:
        """Return the URL of the master playlist."""
        token = self.tokens.issue(Grant(video_id, Use.WATCH, link_ends_at(now)))
        return f"{self.base}{PLAYBACK_PATH}/{video_id}/playlist.m3u8?token={token}"

    def file(self, video_id: str, path: str, now: datetime) -> str:
        """Return the URL of one file. ``path``: below the video's prefix."""
        token = self.tokens.issue(Grant(video_id, Use.FILE, link_ends_at(now), path))
        return f"{self.base}{PLAYBACK_PATH}/{video_id}/file?token={token}"
