"""What requests and answers look like. How a row becomes an answer is in views.py."""

import re
from datetime import datetime
from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from crds.failures import Stage
from crds.models import ShownReason
from crds.videoupload import Origin, Phase, Reason, UploadMode
from desired.rows import Cause

# Control characters and line separators break log lines, terminals and headers; embeddings, overrides and isolates
# turn the text around them: "cats<U+202E>4pm.exe" reads "catsexe.mp4".
_NOWHERE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
# Nothing to see: whoever has only these has no title.
_INVISIBLE = r"\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_TEXT_PATTERN = rf"^[^{_NOWHERE}]*[^{_INVISIBLE}{_NOWHERE}][^{_NOWHERE}]*$"
# A name, not a path: it is shown, and one day a file is saved under it.
_NO_NAME = rf"/\\{_NOWHERE}"
_FILENAME_PATTERN = rf"^[^{_NO_NAME}]*[^.{_INVISIBLE}{_NO_NAME}][^{_NO_NAME}]*$"
# Of whatever page is asked for: some rows more cost nothing, all of them would.
PAGE_SIZE_MAX = 100
# Of parts in one call: enough for hours of most lines, and a URL is good for minutes.
SIGNED_AT_ONCE_MAX = 100
_DIGITS = re.compile(r"[0-9]{1,1000}")
_CONTENT_TYPE_PATTERN = r"^(?:video/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}|application/octet-stream)$"


METADATA_BYTES_MAX = 2048


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> bytes:
        """Return the bytes to send."""
        return self.model_dump_json().encode()


def _is_small(metadata: dict[str, str]) -> dict[str, str]:
    if len(orjson.dumps(metadata)) > METADATA_BYTES_MAX:
        raise PydanticCustomError("metadata_size", f"must have at most {METADATA_BYTES_MAX} bytes as JSON")
    return metadata


_METADATA_NAME = Field(min_length=1, max_length=64, pattern=rf"^[^{_NOWHERE}]*$")
_METADATA_TEXT = Field(pattern=rf"^[^{_NOWHERE}]*$")
Metadata = Annotated[
    dict[Annotated[str, _METADATA_NAME], Annotated[str, _METADATA_TEXT]],
    AfterValidator(_is_small),
    # pydantic's own would let names pass that do not match.
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 64, "pattern": rf"^[^{_NOWHERE}]*$"},
            "additionalProperties": {"type": "string", "pattern": rf"^[^{_NOWHERE}]*$"},
        }
    ),
]


class CreateVideo(_Request):
    """Ask for an upload."""

    title: str = Field(
        min_length=1,
        max_length=200,
        pattern=_TEXT_PATTERN,
        description="text that is not blank, no control characters, no change of direction",
    )
    filename: str = Field(
        min_length=1,
        max_length=255,
        pattern=_FILENAME_PATTERN,
        description="a file name without a path, not only dots, no control characters, no change of direction",
    )
    content_type: str = Field(
        pattern=_CONTENT_TYPE_PATTERN, description="video/…, or application/octet-stream when the type is not known"
    )
    size_bytes: int | None = Field(default=None, ge=1, description="the exact size of the file, if it is known")
    upload_mode: UploadMode | None = Field(default=None, description="single, multipart, or by size if left out")
    metadata: Metadata = Field(
        default_factory=dict,
        description="texts by names of 1 to 64 characters, no control characters, no change of direction;"
        f" at most {METADATA_BYTES_MAX} bytes as JSON",
    )


def _distinct(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(numbers)) < len(numbers):
        raise PydanticCustomError("repeated", "each number once")
    return numbers


class SignParts(_Request):
    """Ask for the URLs of some parts."""

    part_numbers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], AfterValidator(_distinct)] = Field(
        min_length=1,
        max_length=SIGNED_AT_ONCE_MAX,
        description="numbers of parts, each once",
        json_schema_extra={"uniqueItems": True},
    )


def _page_size(value: object) -> int:
    """Read a whole number as one writes it, and no other spelling; what is too much is the most there is."""
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise PydanticCustomError("page_size", "must be one whole number")
    return min(int(value), PAGE_SIZE_MAX)


PageSize = Annotated[int, Field(ge=1), BeforeValidator(_page_size)]


class ListVideos(_Request):
    """The query of a list."""

    status: Phase | None = None
    deleted: Literal["true", "false"] = "false"
    page_size: PageSize = 20
    page_token: str | None = Field(default=None, max_length=512)


class ListDeadLetters(_Request):
    """The query of the administrators' list: only failed ones can be asked for."""

    status: Literal[Phase.ERRORED]
    page_size: PageSize = 20
    page_token: str | None = Field(default=None, max_length=512)


class UploadPlan(_Answer):
    """How the bytes are to be sent."""

    mode: UploadMode


class MultipartPlan(UploadPlan):
    """How the file is cut: ``part_count`` parts of ``part_size`` bytes, of which the last may be smaller."""

    part_size: int
    part_count: int


class UploadTarget(_Answer):
    """201 and 200: where to send the file. The request must carry ``headers`` exactly as they are here."""

    video_id: str
    upload_url: str
    storage_key: str
    method: str
    headers: dict[str, str]
    expires_at: datetime
    status: Phase
    upload: MultipartPlan | UploadPlan


class PartBody(_Answer):
    """A part that storage has."""

    part_number: int
    size_bytes: int
    etag: str


class PartList(_Answer):
    """200: what storage has of a file, and which parts it has not."""

    video_id: str
    size_bytes: int
    part_size: int
    part_count: int
    parts: tuple[PartBody, ...]
    missing: tuple[int, ...]


class SignedPart(_Answer):
    """Where to send one part: just ``size_bytes`` bytes of it."""

    part_number: int
    upload_url: str
    method: str
    headers: dict[str, str]
    size_bytes: int
    expires_at: datetime


class SignedParts(_Answer):
    """200: where to send the parts that were asked for, in that order."""

    video_id: str
    part_size: int
    part_count: int
    parts: tuple[SignedPart, ...]


class ConfirmedVideo(_Answer):
    """202: the client's word is on record; what follows needs no further call."""

    status: Literal["processing_queued"] = "processing_queued"
    video_id: str


class VideoError(_Answer):
    """Why the video is `errored`, or why its last file was refused. ``retryable``: the same file may succeed."""

    code: str
    message: str
    stage: Stage
    attempt: int
    retryable: bool
    what_to_do: str


class RenditionBody(_Answer):
    """One variant of the published stream; rates in bits/s."""

    width: int | None
    height: int | None
    bandwidth: int
    average_bandwidth: int | None
    codecs: str | None
    frame_rate: float | None


class VideoBody(_Answer):
    """200: one video. ``status`` is what people see, ``edition_status`` where the newest edition is."""

    id: str
    title: str
    status: Phase
    playback_url: str | None
    thumbnail_url: str | None
    is_playable: bool
    progress: int = Field(ge=0, le=100)
    reason: ShownReason
    waiting_for: str | None
    what_to_do: str | None
    phase_since: datetime
    next_check_at: datetime | None
    deadline_at: datetime | None
    attempt: int
    submissions_left: int
    edition: int
    edition_status: Phase
    error: VideoError | None
    renditions: tuple[RenditionBody, ...]
    duration_seconds: float | None
    filename: str
    content_type: str
    size_bytes: int | None
    metadata: dict[str, str]
    created_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None


class VideoList(_Answer):
    """200: some videos, newest first. ``next_page_token`` is null when no more follow."""

    videos: tuple[VideoBody, ...]
    next_page_token: str | None


class AdminVideoBody(VideoBody):
    """A video as administrators see it. ``provider_answer``: the transcoding service's raw words about its failure."""

    owner: str
    origin: Origin
    provider_answer: str | None


class AdminVideoList(_Answer):
    """200: some videos of all owners, the latest failure first."""

    videos: tuple[AdminVideoBody, ...]
    next_page_token: str | None


class EventBody(_Answer):
    """One transition. ``status`` is that of the edition at work."""

    at: datetime
    cause: Cause
    status: Phase
    reason: Reason
    message: str
    attempt: int


class EventList(_Answer):
    """200: the newest transitions of a video, the newest last."""

    events: tuple[EventBody, ...]
