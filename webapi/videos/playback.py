"""Playlists and files of private videos, for the holders of a playback token.

The master and the media playlists are served here, with a signed URL for everything that they name. Segments, pictures
and captions come from storage: no byte of them passes through the API.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import falcon

from database.queries import VideoQueries
from domain.playback import PlaybackTimes, with_uris
from domain.records import VideoRow
from domain.stable_playlist import playlist_of
from domain.video import Published
from webapi.http.authorization import existing
from webapi.http.encodings import accepts_gzip
from webapi.http.parsing import read_query
from webapi.http.playback_access import PlaybackAccess, page_of
from webapi.http.playback_tokens import Grant, Use, refused
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.schemas.requests import OpenPlayback
from webapi.videos.embed_origins import EmbedOrigins
from webapi.videos.playback_links import current_path
from webapi.videos.stores import Stores

_PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
# Compressed, about 80 bytes for each segment: two hours in four qualities take half a megabyte.
_KEPT_BYTES_MAX = 32 * 1024**2
# A browser asks again for the picture of a list that it shows again; the URL behind it lasts longer.
_PICTURE_SECONDS = 300


class SignedPlaylists:
    """Media playlists as players get them, compressed: those read last are kept, of all viewers of one step."""

    def __init__(self, stores: Stores, times: PlaybackTimes | None = None, *, bytes_max: int = _KEPT_BYTES_MAX) -> None:
        self._stores = stores
        self._times = times or PlaybackTimes()
        self._bytes_max = bytes_max
        self._kept: OrderedDict[tuple[str, str, datetime, datetime], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._lock = Lock()

    @property
    def kept_bytes(self) -> int:
        """Return the size of what is kept."""
        return self._kept_bytes

    def compressed(self, row: VideoRow, grant: Grant, now: datetime) -> bytes:
        """Return the playlist that a grant names. Raises HttpProblemError, UnavailableError, RefusedError."""
        signed_at = self._times.begin_of_step(now)
        key = (grant.video_id, grant.path, signed_at, grant.ends_at)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
        storage = self._stores.of(row).storage
        text = storage.signed_playlist(grant.video_id, grant.path, signed_at=signed_at, ends_at=grant.ends_at)
        if text is None:
            raise _nothing_to_play()
        made = gzip.compress(text.encode(), mtime=0)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._kept_bytes += len(made)
            while self._kept_bytes > self._bytes_max:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= len(dropped)
        return made


@dataclass(frozen=True)
class PlaybackGate:
    """Who gets in and for how long: holders of a token, on pages that the video's owner allows."""

    access: PlaybackAccess
    origins: EmbedOrigins
    times: PlaybackTimes


class _Playback:
    """Base of the resources: public, since the token is in the query."""

    is_public = True
    use: Use

    def __init__(self, queries: VideoQueries, gate: PlaybackGate) -> None:
        self._queries = queries
        self._access = gate.access
        self._origins = gate.origins
        self._times = gate.times

    def _granted(self, req: falcon.Request, video_id: str) -> Grant:
        return self._access.grant(req, read_query(req, OpenPlayback).token, video_id=video_id, use=self.use)

    def _playable(self, req: falcon.Request, video_id: str) -> tuple[VideoRow, Published]:
        """Return a private video that can be played, and by the page that asks for it. Raises HttpProblemError."""
        row = existing(self._queries, video_id)
        observed = row.observed
        if row.desired.deleted or not observed.is_playable or not observed.is_private or observed.published is None:
            raise _nothing_to_play()
        page = page_of(req.get_header("Origin"), req.get_header("Referer"))
        if not self._origins.may_play(row.embed_origins, page):
            raise refused("embed_origins")
        return row, observed.published


class MasterPlaylist(_Playback):
    """`/api/v1/playback/{video_id}/playlist.m3u8`."""

    use = Use.WATCH

    def __init__(self, queries: VideoQueries, gate: PlaybackGate, clock: Callable[[], datetime]) -> None:
        super().__init__(queries, gate)
        self._clock = clock

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Show the qualities and captions, each with a token that lasts to the end of the viewing."""
        granted = self._granted(req, video_id)
        row, published = self._playable(req, video_id)
        ends_at = self._times.viewing_ends_at(self._clock(), published.duration_seconds)

        def link(uri: str) -> str:
            grant = Grant(video_id, Use.MEDIA, ends_at, uri, granted.limits)
            return f"media.m3u8?token={self._access.tokens.issue(grant)}"

        _send(req, resp, gzip.compress(with_uris(playlist_of(row, published), link).encode(), mtime=0))


class MediaPlaylist(_Playback):
    """`/api/v1/playback/{video_id}/media.m3u8`."""

    use = Use.MEDIA

    def __init__(
        self, queries: VideoQueries, gate: PlaybackGate, playlists: SignedPlaylists, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(queries, gate)
        self._playlists = playlists
        self._clock = clock

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Show the segments of one quality, or of captions, each with a URL that storage serves."""
        grant = self._granted(req, video_id)
        row, _ = self._playable(req, video_id)
        _send(req, resp, self._playlists.compressed(row, grant, self._clock()))


class PlaybackFile(_Playback):
    """`/api/v1/playback/{video_id}/file`."""

    use = Use.FILE

    def __init__(
        self, queries: VideoQueries, gate: PlaybackGate, stores: Stores, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(queries, gate)
        self._stores = stores
        self._clock = clock

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Send the browser to storage, for a picture or a text. Players would not follow this for media."""
        grant = self._granted(req, video_id)
        row, _ = self._playable(req, video_id)
        now = self._clock()
        # The token of an app may last for longer than a link of ours.
        ends_at = min(grant.ends_at, self._times.link_ends_at(now))
        url = self._stores.of(row).storage.presign_private(
            video_id, current_path(row, grant.path), signed_at=self._times.begin_of_step(now), ends_at=ends_at
        )
        seconds = min(_PICTURE_SECONDS, int((ends_at - now).total_seconds()))
        resp.status = falcon.HTTP_302
        resp.set_header("Location", url)
        resp.set_header("Cache-Control", f"private, max-age={seconds}")


def _send(req: falcon.Request, resp: falcon.Response, compressed: bytes) -> None:
    resp.content_type = _PLAYLIST_TYPE
    # It contains URLs that are secrets until they expire.
    resp.set_header("Cache-Control", "no-store")
    resp.append_header("Vary", "Accept-Encoding")
    if accepts_gzip(req.get_header("Accept-Encoding")):
        resp.set_header("Content-Encoding", "gzip")
        resp.data = compressed
    else:
        resp.data = gzip.decompress(compressed)


def _nothing_to_play() -> HttpProblemError:
    return HttpProblemError(ProblemCode.NOT_FOUND, "there is no private video to play")
