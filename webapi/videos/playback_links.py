"""URLs of private videos: of the playlist that a player opens, and of the picture and the captions. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.object_keys import POSTER, POSTERS_FOLDER
from domain.playback import PlaybackTimes
from domain.posters import file_name
from domain.records import VideoRow
from webapi.http.playback_tokens import Grant, PlaybackTokens, Use

PLAYBACK_PATH = "/api/v1/playback"


def own_poster_path(row: VideoRow) -> str | None:
    """Return the path of the owner's picture that is shown, below the video's prefix; None if none is."""
    digest = row.shown_poster
    return None if digest is None else f"{POSTERS_FOLDER}/{file_name(digest)}"


def current_path(row: VideoRow, path: str) -> str:
    """Return where the file of a link is now: a link to a poster shows the newest one."""
    is_poster = path == POSTER or path.startswith(f"{POSTERS_FOLDER}/")
    return own_poster_path(row) or POSTER if is_poster else path


@dataclass(frozen=True)
class PlaybackLinks:
    """Makes URLs that players open without a user's token. ``base``: the API's own, without a trailing slash."""

    base: str
    tokens: PlaybackTokens
    times: PlaybackTimes = field(default_factory=PlaybackTimes)

    def playlist(self, video_id: str, now: datetime) -> str:
        """Return the URL of the master playlist."""
        token = self.tokens.issue(Grant(video_id, Use.WATCH, self.times.link_ends_at(now)))
        return f"{self.base}{PLAYBACK_PATH}/{video_id}/playlist.m3u8?token={token}"

    def file(self, video_id: str, path: str, now: datetime) -> str:
        """Return the URL of one file. ``path``: below the video's prefix."""
        token = self.tokens.issue(Grant(video_id, Use.FILE, self.times.link_ends_at(now), path))
        return f"{self.base}{PLAYBACK_PATH}/{video_id}/file?token={token}"
