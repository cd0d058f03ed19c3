"""Transcode profiles: what a job makes of an original. crds/transcodeprofiles.yaml bounds what people may write.

`ORIGINAL` is the specification that the service began with. It is what `hls-1080p` means unless a TranscodeProfile of
that name says otherwise, and what every edition from before profiles was made with.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

DEFAULT_PROFILE = "hls-1080p"
# A DNS label, as the name of every resource that becomes part of a label or a URL.
PROFILE_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
PROFILE_NAME_MAX = 63
PROFILE_HASH_PATTERN = r"^[0-9a-f]{16}$"


class Codec(StrEnum):
    """How the picture of a rendition is encoded."""

    H264 = "h264"
    HEVC = "hevc"


class SegmentFormat(StrEnum):
    """What the segments of a stream are: MPEG transport streams, or fragments of MP4."""

    TS = "ts"
    FMP4 = "fmp4"


class AudioMode(StrEnum):
    """Whether the renditions have sound."""

    AAC = "aac"
    NONE = "none"


@dataclass(frozen=True)
class ProfileRendition:
    """One rendition: the length of its short side in pixels, and its peak rate in kbit/s."""

    height: int
    max_rate_kbps: int
    codec: Codec = Codec.H264

    @property
    def long_side(self) -> int:
        """Return the other side at 16:9, above which a source of this rendition is clearly portrait."""
        return -(-self.height * 16 // 9)


@dataclass(frozen=True)
class ProfileAudio:
    """The sound of all renditions. ``rate_kbps``: None for the provider's default."""

    mode: AudioMode = AudioMode.AAC
    rate_kbps: int | None = None


@dataclass(frozen=True)
class ProfileStoryboard:
    """Pictures for a player's time line, so many seconds apart and so many pixels wide."""

    interval_seconds: int = 10
    width: int = 160


@dataclass(frozen=True)
class ProfileSpec:
    """What a job makes. ``renditions`` by height; ``quality``: the provider's, from 1 to 5.

    ``poster_seconds``: the moment that the poster shows, None for the middle. ``mp4_heights``: heights of renditions
    that there is one MP4 file of as well.
    """

    renditions: tuple[ProfileRendition, ...]
    quality: int = 4
    segments: SegmentFormat = SegmentFormat.TS
    audio: ProfileAudio = ProfileAudio()
    storyboard: ProfileStoryboard | None = None
    poster_seconds: int | None = None
    mp4_heights: tuple[int, ...] = ()

    @property
    def billed_outputs(self) -> int:
        """Return how many outputs the provider bills by the minute, at most."""
        return len(self.renditions) + len(self.mp4_heights)

    @property
    def hash(self) -> str:
        """Return a text that differs for profiles that make something else.

        Fields with their default are left out, so that a field of a later release changes no hash of this one.
        """
        return hashlib.sha256(json.dumps(_significant(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class OrderedProfile:
    """What a job was ordered with: recorded at the intent, whatever becomes of the profile of this name."""

    name: str
    hash: str
    spec: ProfileSpec


def _significant(value: Any) -> Any:
    """Return a value of plain types without what is at its default."""
    if isinstance(value, tuple):
        return [_significant(item) for item in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    given = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
    return {
        name: _significant(item) for name, (item, default) in given.items() if default is MISSING or item != default
    }


ORIGINAL = ProfileSpec(
    renditions=(
        ProfileRendition(360, 1000),
        ProfileRendition(480, 1500),
        ProfileRendition(720, 2000),
        ProfileRendition(1080, 4000),
    )
)
ORIGINAL_HASH = ORIGINAL.hash

_SPEC = TypeAdapter(ProfileSpec)


def ordered(name: str, spec: ProfileSpec, *, generation: int = 0) -> OrderedProfile:
    """Return the record of a profile as it is now.

    ``generation``: of its rollout. Each has a hash of its own, so that everything can be made anew with the same
    outputs; 0 leaves the hash as it is without a rollout.
    """
    if generation == 0:
        return OrderedProfile(name, spec.hash, spec)
    text = f"{spec.hash} {generation}"
    return OrderedProfile(name, hashlib.sha256(text.encode()).hexdigest()[:16], spec)


def spec_of_json(values: Mapping[str, Any]) -> ProfileSpec:
    """Read a stored profile. Raises pydantic.ValidationError."""
    return _SPEC.validate_python(dict(values))


def json_of_spec(spec: ProfileSpec) -> dict[str, Any]:
    """Return a profile as it is stored."""
    values: dict[str, Any] = _SPEC.dump_python(spec, mode="json")
    return values
