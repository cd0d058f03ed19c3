"""Captions of a video: what its owner wants, what was published of it, and where the files lie. Pure.

The API writes `Captions`, the operator `PublishedCaptions`; their texts are rows of their own (database/captions.py).
What a text may contain is decided in domain/caption_text.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256

LANGUAGES_MAX = 20
# Texts that were replaced and whose files may still lie in the bucket: a pass removes them all.
REPLACED_MAX = 100
LABEL_MAX = 64

# The well-formed tags of BCP 47 (RFC 5646, 2.1) without extensions, private use and grandfathered tags.
LANGUAGE_PATTERN = (
    r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3})){0,3}$"
)
LANGUAGE_MAX = 35

_SCRIPT_LETTERS, _REGION_LETTERS = 4, 2


@dataclass(frozen=True)
class CaptionTrack:
    """The captions in one language. ``language``: a canonical tag of BCP 47; ``digest``: names the text."""

    language: str
    label: str
    is_default: bool
    digest: str


@dataclass(frozen=True)
class Captions:
    """The captions that the owner wants, by language. ``replaced``: those whose files may be left from before."""

    tracks: tuple[CaptionTrack, ...] = ()
    replaced: tuple[CaptionTrack, ...] = ()


@dataclass(frozen=True)
class PublishedCaptions:
    """The captions that the operator made public, and the attempt whose stream they accompany.

    ``first_timestamp``: where the stream's own clock begins, in units of 1/90,000 s; None if its segments have none.
    """

    captions: Captions = field(default_factory=Captions)
    attempt: int = 0
    first_timestamp: int | None = None


class TooManyCaptionsError(Exception):
    """The video has captions in as many languages as it may have."""


class CaptionsBusyError(Exception):
    """So many texts were replaced that a pass has to remove their files first."""


def canonical_language(tag: str) -> str | None:
    """Return a language tag in its usual spelling (RFC 5646, 2.1.1): `zh-Hant-TW`; None if it is no tag."""
    if len(tag) > LANGUAGE_MAX or re.fullmatch(LANGUAGE_PATTERN, tag) is None:
        return None
    first, *others = tag.lower().split("-")
    return "-".join([first, *map(_subtag, others)])


def _subtag(text: str) -> str:
    if len(text) == _SCRIPT_LETTERS and text.isalpha():
        return text.title()
    return text.upper() if len(text) == _REGION_LETTERS else text


def digest_of(text: str) -> str:
    """Return the name of a text: another one for any other text."""
    return sha256(text.encode()).hexdigest()[:32]


def with_track(captions: Captions, published: PublishedCaptions, track: CaptionTrack) -> Captions:
    """Return the captions with this track instead of the one in its language. At most one is the default.

    Raises TooManyCaptionsError, CaptionsBusyError.
    """
    others = [other for other in captions.tracks if other.language != track.language]
    if len(others) >= LANGUAGES_MAX:
        raise TooManyCaptionsError
    if track.is_default:
        others = [replace(other, is_default=False) for other in others]
    return _changed(captions, published, [*others, track])


def without_track(captions: Captions, published: PublishedCaptions, language: str) -> Captions:
    """Return the captions without those in this language. Raises CaptionsBusyError."""
    return _changed(captions, published, [track for track in captions.tracks if track.language != language])


def _changed(captions: Captions, published: PublishedCaptions, tracks: Iterable[CaptionTrack]) -> Captions:
    ordered = tuple(sorted(tracks, key=lambda track: track.language))
    if ordered == captions.tracks:
        return captions
    # What a pass published is gone from the bucket as far as it was replaced before.
    left = () if published.captions == captions else captions.replaced
    kept = {(track.language, track.digest) for track in ordered}
    gone = [track for track in captions.tracks if (track.language, track.digest) not in kept]
    replaced = tuple(dict.fromkeys([*left, *gone]))
    if len(replaced) > REPLACED_MAX:
        raise CaptionsBusyError
    return Captions(ordered, replaced)


def playlist_name(track: CaptionTrack) -> str:
    """Return the name of a track's media playlist in the folder of captions."""
    return f"{track.language}.m3u8"


def text_name(track: CaptionTrack) -> str:
    """Return the name of a track's text in the folder of captions: another one for another text."""
    return f"{track.language}-{track.digest}.vtt"


def names_of(tracks: Iterable[CaptionTrack]) -> set[str]:
    """Return the names of all files of these tracks."""
    return {name for track in tracks for name in (playlist_name(track), text_name(track))}


def media_playlist(track: CaptionTrack, duration_seconds: float) -> str:
    """Return the text of a track's media playlist: one segment, as long as the stream (RFC 8216, 3.5)."""
    lines = (
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{max(1, -int(-duration_seconds // 1))}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXTINF:{duration_seconds:.3f},",
        text_name(track),
        "#EXT-X-ENDLIST",
    )
    return "\n".join(lines) + "\n"


def published_text(text: str, first_timestamp: int | None) -> str:
    """Return a text as players get it: with the time of the stream's clock at which the captions' begins.

    Without it players that follow RFC 8216, 3.5 show every caption early by the offset of the stream.
    """
    if first_timestamp is None:
        return text
    return text.replace("\n", f"\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{first_timestamp}\n", 1)
