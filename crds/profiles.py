"""The TranscodeProfile kind as pydantic models: the same fields and bounds as crds/transcodeprofiles.yaml.

A unit test compares the two both ways. What a profile must be beyond its shape is written as CEL in the YAML only.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.profiles import (
    PROFILE_HASH_PATTERN,
    AudioMode,
    Codec,
    ProfileSpec,
    SegmentFormat,
    spec_of_json,
)
from domain.rollouts import RolloutApproval, RolloutOrder, RolloutSpec, rollout_of_json

HEIGHT_MIN, HEIGHT_MAX = 144, 2160
RENDITIONS_MAX = 6
STATIC_MP4S_MAX = 2


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ProfileRenditionBody(_Model):
    """One rendition."""

    height: int = Field(ge=HEIGHT_MIN, le=HEIGHT_MAX, multiple_of=2)
    max_rate_kbps: int = Field(ge=50, le=100_000)
    codec: Codec = Codec.H264


class ProfileAudioBody(_Model):
    """The sound of all renditions."""

    mode: AudioMode = AudioMode.AAC
    rate_kbps: int | None = Field(default=None, ge=32, le=320)


class ProfileStoryboardBody(_Model):
    """Pictures for a player's time line."""

    interval_seconds: int = Field(default=10, ge=1, le=60)
    width: int = Field(default=160, ge=80, le=640)


class RolloutSpecBody(_Model):
    """How a library is transcoded anew when the profile changes."""

    generation: int = Field(default=0, ge=0, le=1_000_000)
    approve: RolloutApproval = RolloutApproval.MANUAL
    pause: bool = False
    max_running: int = Field(default=10, ge=1, le=1_000)
    jobs_per_hour: int = Field(default=100, ge=1, le=10_000)
    dollars_per_day: int | None = Field(default=None, ge=1, le=1_000_000)
    order: RolloutOrder = RolloutOrder.NEWEST
    max_failure_rate: int = Field(default=5, ge=0, le=100)

    @property
    def value(self) -> RolloutSpec:
        """Return it as the rules use it."""
        return rollout_of_json(self.model_dump())


class ProfileSpecBody(_Model):
    """What a job makes. The API server fills in the defaults that people leave out."""

    renditions: tuple[ProfileRenditionBody, ...] = Field(min_length=1, max_length=RENDITIONS_MAX)
    quality: int = Field(default=4, ge=1, le=5)
    segments: SegmentFormat = SegmentFormat.TS
    audio: ProfileAudioBody = Field(default_factory=ProfileAudioBody)
    storyboard: ProfileStoryboardBody | None = None
    poster_seconds: int | None = Field(default=None, ge=0, le=3600)
    mp4_heights: tuple[Annotated[int, Field(ge=HEIGHT_MIN, le=HEIGHT_MAX)], ...] = Field(
        default=(), max_length=STATIC_MP4S_MAX, json_schema_extra={"default": None}
    )

    @property
    def value(self) -> ProfileSpec:
        """Return it as the rules use it."""
        return spec_of_json(self.model_dump(include=set(ProfileSpecBody.model_fields)))


class DeclaredProfileBody(ProfileSpecBody):
    """The spec of a TranscodeProfile: what a job makes, and whether the library follows its changes."""

    rollout: RolloutSpecBody | None = None


ProfileHash = Annotated[str, Field(max_length=16, pattern=PROFILE_HASH_PATTERN)]
