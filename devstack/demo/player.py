"""Checks a published video as a player would: over HTTP, from its playback URL, without the service.

It shares no code with the service's own verification (storage/verify), so that each checks the other.
"""

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import m3u8  # type: ignore[import-untyped]
import requests
from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

from devstack.demo.errors import DemoError

DECODED_SECONDS = 2

_TIMEOUT_SECONDS = 30
_DECODE_TIMEOUT_SECONDS = 120
_DIMENSIONS = re.compile(r"^#dimensions 0: (\d+x\d+)$", re.MULTILINE)
_PICTURES = re.compile(r"^0,", re.MULTILINE)
_SOUNDS = re.compile(r"^1,", re.MULTILINE)


@dataclass(frozen=True)
class Expected:
    """The facts that a stream must match."""

    renditions: int
    duration_seconds: float
    has_sound: bool


@dataclass(frozen=True)
class PlayedRendition:
    """One played rendition. ``pictures`` and ``sounds`` count the decoded frames of its first seconds."""

    size: str
    segments: int
    segment_bytes: int
    duration_seconds: float
    pictures: int
    sounds: int


class Player:
    """Plays public URLs. Every method raises DemoError when it cannot."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def play(
        self, playback_url: str, expected: Expected, on_rendition: Callable[[PlayedRendition], None]
    ) -> Sequence[PlayedRendition]:
        """Download the master playlist and every rendition completely, and decode the first seconds of each."""
        master = m3u8.loads(self._text(playback_url), uri=playback_url)
        if len(master.playlists) != expected.renditions:
            raise DemoError(f"{playback_url} lists {len(master.playlists)} renditions instead of {expected.renditions}")
        played = []
        for variant in master.playlists:
            across, down = variant.stream_info.resolution or (0, 0)
            rendition = self._rendition(variant.absolute_uri, f"{across}x{down}", expected)
            on_rendition(rendition)
            played.append(rendition)
        if len({rendition.size for rendition in played}) != len(played):
            raise DemoError(f"two renditions have the same size: {', '.join(r.size for r in played)}")
        return played

    def picture_bytes(self, url: str) -> int:
        """Return the size of a JPEG."""
        response = self._get(url)
        if response.headers.get("Content-Type") != "image/jpeg" or not response.content.startswith(b"\xff\xd8\xff"):
            raise DemoError(f"{url} is not a JPEG: {response.headers.get('Content-Type')}")
        return len(response.content)

    def _rendition(self, url: str, size: str, expected: Expected) -> PlayedRendition:
        media = m3u8.loads(self._text(url), uri=url)
        if not media.is_endlist:
            raise DemoError(f"{url} has no ENDLIST: a player would wait for more")
        if not media.segments:
            raise DemoError(f"{url} lists no segments")
        duration = sum(segment.duration for segment in media.segments)
        if abs(duration - expected.duration_seconds) > 1 + 0.02 * expected.duration_seconds:
            raise DemoError(f"{url} lasts {duration:.1f} s, the file {expected.duration_seconds:.1f} s")
        files = [self._get(segment.absolute_uri).content for segment in media.segments]
        initial = media.segments[0].init_section
        beginning = [self._get(initial.absolute_uri).content] if initial else []
        beginning += [file for file, at in zip(files, _starts(media.segments), strict=True) if at < DECODED_SECONDS]
        pictures, sounds = _decoded(b"".join(beginning), url, size)
        if not pictures or (expected.has_sound and not sounds):
            raise DemoError(f"{url}: {pictures} pictures and {sounds} pieces of sound in its first seconds")
        return PlayedRendition(size, len(files), sum(map(len, files)), duration, pictures, sounds)

    def _text(self, url: str) -> str:
        response = self._get(url)
        if not response.text.startswith("#EXTM3U"):
            raise DemoError(f"{url} is not a playlist")
        return response.text

    def _get(self, url: str) -> requests.Response:
        try:
            response = self._session.get(url, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise DemoError(f"GET {url}: no answer ({type(error).__name__})") from error
        if response.status_code != requests.codes.ok or not response.content:
            raise DemoError(f"GET {url}: HTTP {response.status_code}, {len(response.content)} bytes")
        return response


def _starts(segments: Sequence[m3u8.Segment]) -> Sequence[float]:
    durations = [float(segment.duration) for segment in segments]
    return [0.0, *accumulate(durations[:-1])]


def _decoded(beginning: bytes, url: str, size: str) -> tuple[int, int]:
    """Return the numbers of video and audio frames in the first seconds. Raises DemoError on any decoding error.

    ffmpeg receives the bytes instead of the URL, because its HLS reader silently skips a broken segment.
    """
    source = ["-xerror", "-t", str(DECODED_SECONDS), "-i", "pipe:0"]
    wanted = ["-map", "0:v:0", "-map", "0:a:0?", "-f", "framecrc", "-"]
    argv = [get_ffmpeg_exe(), "-loglevel", "error", "-threads", "1", *source, *wanted]
    try:
        done = subprocess.run(argv, input=beginning, capture_output=True, check=False, timeout=_DECODE_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"decoding {url} took more than {_DECODE_TIMEOUT_SECONDS} s") from error
    errors, frames = done.stderr.decode(errors="replace").strip(), done.stdout.decode()
    if done.returncode != 0 or errors:
        raise DemoError(f"decoding {url}: {errors[-1000:] or f'exit status {done.returncode}'}")
    decoded = _DIMENSIONS.search(frames)
    if decoded is None or decoded[1] != size:
        raise DemoError(f"{url} is announced as {size} and decodes to {decoded[1] if decoded else 'no picture'}")
    return len(_PICTURES.findall(frames)), len(_SOUNDS.findall(frames))
