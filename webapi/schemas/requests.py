"""Bodies and queries of requests. Responses are in responses.py, both for webhooks in webhooks.py."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from domain.captions import LABEL_MAX
from domain.failures import FailureCode
from domain.profiles import DEFAULT_PROFILE, PROFILE_NAME_MAX, PROFILE_PATTERN
from domain.video import VIDEO_ID_MAX, VIDEO_ID_PATTERN, Phase, UploadMode, Visibility
from runtime.ssrf_guard import URL_MAX, URL_PATTERN

# Control characters and line separators break log lines, terminals and headers; embeddings, overrides and isolates
# reverse the text around them: "cats<U+202E>4pm.exe" reads "catsexe.mp4".
_FORBIDDEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
# A title needs at least one other character.
_INVISIBLE = r"\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
TEXT_PATTERN = rf"^[^{_FORBIDDEN}]*[^{_INVISIBLE}{_FORBIDDEN}][^{_FORBIDDEN}]*$"
# A name and not a path: browsers save downloads under it.
_FORBIDDEN_IN_NAME = rf"/\\{_FORBIDDEN}"
_FILENAME_PATTERN = rf"^[^{_FORBIDDEN_IN_NAME}]*[^.{_INVISIBLE}{_FORBIDDEN_IN_NAME}][^{_FORBIDDEN_IN_NAME}]*$"
# A larger page_size is cut to this.
PAGE_SIZE_MAX = 100
# By default an ingress closes a connection that was silent for a minute.
WAIT_SECONDS_MAX = 50
# Two counters and a point; a longer one is not ours.
REVISION_MAX = 64
# Parts signed in one call: more would expire before most clients could send them.
SIGNED_AT_ONCE_MAX = 100
VIDEO_ID = Field(pattern=VIDEO_ID_PATTERN, max_length=VIDEO_ID_MAX)
UUID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_DIGITS = re.compile(r"[0-9]{1,1000}")
# Registered for video outside video/, and what clients send when they do not know the type.
_OTHER_TYPES = ("application/mp4", "application/mxf", "application/ogg", "application/vnd.ms-asf")
_UNKNOWN_TYPE = "application/octet-stream"


def _whole_number(value: object) -> int:
    """Read plain decimal digits, as they are in a query."""
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise PydanticCustomError("whole_number", "must be one whole number")
    return int(value)


def _true_or_false(value: object) -> bool:
    """Read a word of a query."""
    if value not in ("true", "false"):
        raise PydanticCustomError("true_or_false", "must be true or false")
    return value == "true"


def _in_any_case(text: str) -> str:
    """Return a pattern that ignores case in every dialect of regular expressions."""
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in text).replace(".", "[.]")


# Parameters may follow (RFC 9110, 8.3.1). Browsers' recorders do not quote them: `video/webm;codecs=vp9,opus`.
_CONTENT_TYPE_PATTERN = (
    rf"^(?:{_in_any_case('video')}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{{0,99}}"
    rf"|{'|'.join(map(_in_any_case, (*_OTHER_TYPES, _UNKNOWN_TYPE)))})[ \t]*(?:;[^{_FORBIDDEN}]*)?$"
)


METADATA_BYTES_MAX = 2048
# All of them fit into the headers of a response, which proxies bound at 4 KB.
EMBED_ORIGINS_MAX = 20
EMBED_ORIGIN_MAX = 100
# As in EMBED_ORIGINS: no path and no wildcard but `*` alone.
EMBED_ORIGIN_PATTERN = r"^(\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?)$"
# 16 bytes in base64; the last character before the padding carries two bits.
_MD5_PATTERN = r"^[A-Za-z0-9+/]{21}[AQgw]==$"
REGION_MAX = 63
OWNER_MAX = 255
TITLE_PART_MAX = 100
# What names a user, or is part of a title.
_NAMED_PATTERN = rf"^[^{_FORBIDDEN}]+$"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


class Request(BaseModel):
    """Base of all requests: frozen, unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _is_small(metadata: dict[str, str]) -> dict[str, str]:
    if len(orjson.dumps(metadata)) > METADATA_BYTES_MAX:
        raise PydanticCustomError("metadata_size", f"must have at most {METADATA_BYTES_MAX} bytes as JSON")
    return metadata


def _is_not_null(value: object) -> object:
    if value is None:
        raise PydanticCustomError("null", "must be left out to stay as it is")
    return value


_METADATA_NAME = Field(min_length=1, max_length=64, pattern=rf"^[^{_FORBIDDEN}]*$")
_METADATA_TEXT = Field(pattern=rf"^[^{_FORBIDDEN}]*$")
Metadata = Annotated[
    dict[Annotated[str, _METADATA_NAME], Annotated[str, _METADATA_TEXT]],
    AfterValidator(_is_small),
    # pydantic's schema would leave the names of the object unrestricted.
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 64, "pattern": rf"^[^{_FORBIDDEN}]*$"},
            "additionalProperties": {"type": "string", "pattern": rf"^[^{_FORBIDDEN}]*$"},
        }
    ),
]


def _essence(content_type: str) -> str:
    """Return the type as it is compared, signed and stored: in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


MetadataChange = Annotated[
    dict[Annotated[str, _METADATA_NAME], Annotated[str, _METADATA_TEXT] | None],
    BeforeValidator(_is_not_null),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 64, "pattern": rf"^[^{_FORBIDDEN}]*$"},
            "additionalProperties": {"type": ["string", "null"], "pattern": rf"^[^{_FORBIDDEN}]*$"},
        }
    ),
]
VisibilityChange = Annotated[
    Visibility | None,
    BeforeValidator(_is_not_null),
    WithJsonSchema({"type": "string", "enum": [visibility.value for visibility in Visibility]}),
]
Title = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=TEXT_PATTERN,
        description="text that is not blank, no control characters, no change of direction",
    ),
]


Item = TypeVar("Item")


def each_once(values: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return the values. Raises PydanticCustomError if one is repeated."""
    if len(set(values)) < len(values):
        raise PydanticCustomError("repeated", "must name each value once")
    return values


EmbedOriginList = Annotated[
    tuple[Annotated[str, Field(max_length=EMBED_ORIGIN_MAX, pattern=EMBED_ORIGIN_PATTERN)], ...],
    Field(max_length=EMBED_ORIGINS_MAX, json_schema_extra={"uniqueItems": True}),
    AfterValidator(each_once),
]
_EMBED_ORIGINS = (
    "the sites that may show the video, each as browsers send it, such as https://www.example.com: scheme, host, and"
    " port if it is unusual, in lower case; an empty list is none, `*` all that the installation allows, as null is"
)


class CreateVideo(Request):
    """Create a video and request its upload URL."""

    title: Title
    filename: str = Field(
        min_length=1,
        max_length=255,
        pattern=_FILENAME_PATTERN,
        description="a file name without a path, not only dots, no control characters, no change of direction",
    )
    content_type: Annotated[str, AfterValidator(_essence)] = Field(
        max_length=255,
        pattern=_CONTENT_TYPE_PATTERN,
        description=f"video/…, {', '.join(_OTHER_TYPES)}, or {_UNKNOWN_TYPE} when the type is not known",
    )
    size_bytes: int | None = Field(default=None, ge=1, description="the exact size of the file, if it is known")
    upload_mode: UploadMode | None = Field(default=None, description="single, multipart, or by size if left out")
    content_md5: str | None = Field(
        default=None,
        pattern=_MD5_PATTERN,
        description="the MD5 of the file in base64 (RFC 1864): storage takes no other one; the file is sent in one PUT",
    )
    source_url: str | None = Field(
        default=None,
        max_length=URL_MAX,
        pattern=URL_PATTERN,
        description="https://… of a public server, from where the service fetches the file; without user and fragment",
    )
    region: str | None = Field(
        default=None,
        min_length=1,
        max_length=REGION_MAX,
        pattern=TEXT_PATTERN,
        description="one of the regions of the service; by the client's country if left out",
    )
    visibility: Visibility | None = Field(
        default=None,
        description="who can play it: everyone with its URL, or only holders of a signed one; if left out, the default"
        " of the installation",
    )
    embed_origins: EmbedOriginList | None = Field(default=None, description=_EMBED_ORIGINS)
    profile: str | None = Field(
        default=None,
        pattern=PROFILE_PATTERN,
        max_length=PROFILE_NAME_MAX,
        description=f"what to make of the file: the name of a TranscodeProfile; {DEFAULT_PROFILE} if left out",
    )
    metadata: Metadata = Field(
        default_factory=dict,
        description="texts by names of 1 to 64 characters, no control characters, no change of direction;"
        f" at most {METADATA_BYTES_MAX} bytes as JSON",
    )


def _without_default(schema: JsonDict) -> None:
    schema.pop("default")


class ChangeVideo(Request):
    """Change what people wrote about a video, and who can play it (RFC 7396): what is left out stays as it is."""

    # Empty if it is left out; null and an empty text are refused.
    title: Title = Field(default="", json_schema_extra=_without_default)
    metadata: MetadataChange = Field(
        default_factory=dict,
        description="texts by names, which are added or replaced; null removes a name; at most"
        f" {METADATA_BYTES_MAX} bytes as JSON afterwards",
    )
    visibility: VisibilityChange = Field(
        default=None,
        description="who can play it; its files move, and it plays on meanwhile",
        json_schema_extra=_without_default,
    )
    # Null is a value here, as in RFC 7396: that of the installation.
    embed_origins: EmbedOriginList | None = Field(
        default=None, description=_EMBED_ORIGINS, json_schema_extra=_without_default
    )


# What a browser and curl call WebVTT and SubRip; the text itself says which it is.
CAPTION_TYPES = ("text/vtt", "application/x-subrip", "text/plain")
POSTER_TYPES = ("image/jpeg",)
_FORBIDDEN_IN_LABEL = rf'"{_FORBIDDEN}'


class PutCaptions(Request):
    """How captions are shown in a player's menu."""

    label: str | None = Field(
        default=None,
        min_length=1,
        max_length=LABEL_MAX,
        pattern=rf"^[^{_FORBIDDEN_IN_LABEL}]*[^{_INVISIBLE}{_FORBIDDEN_IN_LABEL}][^{_FORBIDDEN_IN_LABEL}]*$",
        description="text that is not blank, no double quotes, no control characters, no change of direction",
    )
    default: Annotated[bool, BeforeValidator(_true_or_false)] = Field(
        default=False, description="whether players show it unless the viewer chooses otherwise"
    )


class SignParts(Request):
    """Request URLs for some parts."""

    part_numbers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], AfterValidator(each_once)] = Field(
        min_length=1,
        max_length=SIGNED_AT_ONCE_MAX,
        description="numbers of parts, each once",
        json_schema_extra={"uniqueItems": True},
    )


def _page_size(value: object) -> int:
    """Read plain decimal digits, and cut a larger number to PAGE_SIZE_MAX."""
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise PydanticCustomError("page_size", "must be one whole number")
    return min(int(value), PAGE_SIZE_MAX)


PageSize = Annotated[
    int,
    Field(ge=1, description=f"how many in a page; more than {PAGE_SIZE_MAX} gives {PAGE_SIZE_MAX}"),
    BeforeValidator(_page_size),
]
PageToken = Annotated[
    str | None,
    Field(max_length=512, description="`next_page_token` of the page before, with the same filters"),
]


def _time_of_query(value: object) -> object:
    """Refuse what pydantic would take for seconds since 1970."""
    if not isinstance(value, str) or not _TIME.match(value):
        raise PydanticCustomError("timezone_aware", "")
    return value


def _in_utc(time: datetime | None) -> datetime | None:
    """Return the same time in UTC, so that page tokens are valid however it is written."""
    try:
        return None if time is None else time.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("timezone_aware", "") from error


QueryTime = Annotated[AwareDatetime | None, BeforeValidator(_time_of_query), AfterValidator(_in_utc)]


class ShowVideo(Request):
    """The query of a video: how many seconds to wait for a change, and the revision that the client has."""

    wait: Annotated[int, Field(ge=0, le=WAIT_SECONDS_MAX), BeforeValidator(_whole_number)] = 0
    since: str | None = Field(default=None, max_length=REVISION_MAX, pattern=r"^[0-9]+\.[0-9]+$")


class OpenPlayback(Request):
    """The query of a private video's playlist or file."""

    token: str = Field(
        min_length=1,
        max_length=2048,
        description="as the service gave it in a URL, or as an app signed it for a viewer",
    )


class ListVideos(Request):
    """The query of a list of videos."""

    status: Phase | None = Field(
        default=None,
        description="only videos with this status; `errored` means that the newest edition failed, even if an older one"
        " can still be played",
    )
    deleted: Literal["true", "false"] = Field(default="false", description="`true`: deleted videos, and only those")
    page_size: PageSize = 20
    page_token: PageToken = None


class CatalogueFilters(Request):
    """What all owners' videos are filtered by. Every filter that is given leaves out the others."""

    owner: str | None = Field(
        default=None,
        min_length=1,
        max_length=OWNER_MAX,
        pattern=_NAMED_PATTERN,
        description="only videos of this user; no control characters",
    )
    profile: str | None = Field(
        default=None,
        max_length=PROFILE_NAME_MAX,
        pattern=PROFILE_PATTERN,
        description="only videos that name this transcode profile",
    )
    region: str | None = Field(
        default=None,
        min_length=1,
        max_length=REGION_MAX,
        pattern=TEXT_PATTERN,
        description="only videos of this region",
    )
    created_after: QueryTime = Field(default=None, description="only videos that were created then or later")
    created_before: QueryTime = Field(default=None, description="only videos that were created earlier")
    title: str | None = Field(
        default=None,
        min_length=1,
        max_length=TITLE_PART_MAX,
        pattern=_NAMED_PATTERN,
        description="only videos whose title has this text in it, in upper or lower case; no control characters",
    )
    page_token: PageToken = None

    @field_validator("created_before")
    @classmethod
    def _is_after(cls, before: datetime | None, info: ValidationInfo) -> datetime | None:
        after = info.data.get("created_after")
        if before is not None and after is not None and before <= after:
            raise PydanticCustomError("range", "must come after `created_after`")
        return before


ErrorCode = Annotated[
    FailureCode | None, Field(description="only videos whose newest edition failed with this code in `error`")
]


class ListCatalogue(CatalogueFilters):
    """The query of the list of all owners' videos."""

    status: Phase | None = Field(
        default=None,
        description="only videos with this status; `errored`: those whose newest edition failed, the latest failure"
        " first",
    )
    error_code: ErrorCode = None
    deleted: Literal["true", "false"] = Field(default="false", description="`true`: deleted videos, and only those")
    page_size: PageSize = 20


class PlanRetries(CatalogueFilters):
    """The query of a plan for retries: which of the failed videos."""

    error_code: ErrorCode = None


class PlanRetranscodes(CatalogueFilters):
    """The query of a plan for re-transcodes: which of the ready videos."""


# Of a plan with as many videos as one may have.
PLAN_CHARACTERS_MAX = 48_000


class ApplyPlan(Request):
    """Apply a plan that was shown."""

    plan: str = Field(
        min_length=1,
        max_length=PLAN_CHARACTERS_MAX,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`plan` of the answer that showed what is to be done",
    )
