"""Reads the HLS playlists that a job wrote. Pure; m3u8 is used only here.

storage/verify/outputs.py checks that all files of a stream exist; domain/stable_playlist.py writes the stable master.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import m3u8  # type: ignore[import-untyped]

from domain.video import Rendition

PLAYLIST_BYTES_MAX = 1024 * 1024
VARIANTS_MAX = 16
# At six seconds each, more than sixteen hours.
SEGMENTS_MAX = 10_000
# With its prefix, within the limit of the resource's status.
URI_CHARS_MAX = 900
RATE_MAX = 2**31 - 1

# Allowed in a quoted attribute that we write ourselves.
_CODECS = re.compile(r"[A-Za-z0-9.,\- ]{1,200}")
_RESOLUTION = re.compile(r"(\d{1,5})x(\d{1,5})")


class PlaylistError(ValueError):
    """A playlist cannot be used. The message says why and quotes at most a name.

    The same file at the same provider gives the same playlist, so this one is permanent unless it is an
    `UnreadableError`.
    """


class UnreadableError(PlaylistError):
    """A file is missing, incomplete or garbled: another attempt may write it in full."""


@dataclass(frozen=True)
class PlaylistFiles:
    """The playlist of one variant: the URIs of its files, in order, and its duration."""

    uris: tuple[str, ...]
    duration_seconds: float


def read_master(text: str) -> tuple[Rendition, ...]:
    """Return a master's variants, their URIs as written. Raises PlaylistError."""
    parsed = _parse(text)
    if not parsed["is_variant"]:
        raise UnreadableError("it is not a master playlist")
    if any(media.get("uri") for media in parsed["media"]):
        # The stable playlist lists variants only, so publishing this one would lose a soundtrack.
        raise PlaylistError("it has sound or subtitles in separate playlists")
    playlists = parsed["playlists"]
    if not 0 < len(playlists) <= VARIANTS_MAX:
        raise PlaylistError(f"it has {len(playlists)} variants; 1 to {VARIANTS_MAX} are expected")
    return tuple(_rendition(playlist["uri"], playlist["stream_info"]) for playlist in playlists)


def read_media(text: str) -> PlaylistFiles:
    """Return a finished media playlist. Raises PlaylistError."""
    parsed = _parse(text)
    segments = parsed["segments"]
    if len(segments) > SEGMENTS_MAX:
        raise PlaylistError(f"it has more than {SEGMENTS_MAX} segments")
    if parsed["is_variant"] or not segments:
        raise UnreadableError("it is not a media playlist")
    if not parsed["is_endlist"]:
        raise UnreadableError("it has no end")
    if any(key and key.get("method") != "NONE" for key in parsed["keys"]):
        raise PlaylistError("it is encrypted")
    durations = [segment.get("duration", math.nan) for segment in segments]
    if not all(math.isfinite(duration) and duration >= 0 for duration in durations):
        raise UnreadableError("a segment has no duration")
    uris = [section.get("uri") for section in parsed["segment_map"]] + [segment.get("uri") for segment in segments]
    if not all(uris):
        raise UnreadableError("a segment has no URI")
    return PlaylistFiles(uris=tuple(uris), duration_seconds=math.fsum(durations))


def key_beside(playlist_key: str, uri: str) -> str:
    """Return the key that a URI names. Raises PlaylistError unless it is beside or below the playlist."""
    path = unquote(uri)
    parts = path.split("/")
    is_plain = len(uri) <= URI_CHARS_MAX and path.isprintable() and not set(uri) & set('?#\\"')
    if not is_plain or ":" in parts[0] or parts[-1] == "." or any(part in {"", ".."} for part in parts):
        raise PlaylistError("it names something outside its own directory")
    directory, _, _ = playlist_key.rpartition("/")
    return "/".join([directory, *(part for part in parts if part != ".")])


def _parse(text: str) -> dict[str, Any]:
    if not text.startswith("#EXTM3U"):
        raise UnreadableError("it is not a playlist")
    try:
        parsed: dict[str, Any] = m3u8.parse(text)
    except Exception as error:  # m3u8 does not document what it raises on malformed text
        raise UnreadableError("it cannot be parsed") from error
    return parsed


def _rendition(uri: str, attributes: Mapping[str, Any]) -> Rendition:
    bandwidth = _rate(attributes.get("bandwidth"))
    if bandwidth is None:
        raise PlaylistError("a variant has no BANDWIDTH")
    codecs = attributes.get("codecs")
    if codecs is not None and not _CODECS.fullmatch(codecs):
        raise PlaylistError("a variant has malformed CODECS")
    resolution = _RESOLUTION.fullmatch(attributes.get("resolution", ""))
    frame_rate = attributes.get("frame_rate")
    return Rendition(
        uri=uri,
        bandwidth=bandwidth,
        average_bandwidth=_rate(attributes.get("average_bandwidth")),
        width=int(resolution[1]) if resolution else None,
        height=int(resolution[2]) if resolution else None,
        codecs=codecs,
        frame_rate=frame_rate if frame_rate is not None and 0 < frame_rate < 1000 else None,
    )


def _rate(bits_per_second: int | None) -> int | None:
    return bits_per_second if bits_per_second is not None and 0 < bits_per_second <= RATE_MAX else None
