"""What requests may say: bodies and queries. What answers say is in bodies.py."""

import re
from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.video import VIDEO_ID_MAX, VIDEO_ID_PATTERN, Phase, UploadMode

# Control characters and line separators break log lines, terminals and headers; embeddings, overrides and isolates
# turn the text around them: "cats<U+202E>4pm.exe" reads "catsexe.mp4".
_NOWHERE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
# Nothing to see: whoever has only these has no title.
_INVISIBLE = r"\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
TEXT_PATTERN = rf"^[^{_NOWHERE}]*[^{_INVISIBLE}{_NOWHERE}][^{_NOWHERE}]*$"
# A name, not a path: it is shown, and one day a file is saved under it.
_NO_NAME = rf"/\\{_NOWHERE}"
_FILENAME_PATTERN = rf"^[^{_NO_NAME}]*[^.{_INVISIBLE}{_NO_NAME}][^{_NO_NAME}]*$"
# Of whatever page is asked for: some rows more cost nothing, all of them would.
PAGE_SIZE_MAX = 100
# Of parts in one call: enough for hours of most lines, and a URL is good for minutes.
SIGNED_AT_ONCE_MAX = 100
VIDEO_ID = Field(pattern=VIDEO_ID_PATTERN, max_length=VIDEO_ID_MAX)
UUID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_DIGITS = re.compile(r"[0-9]{1,1000}")
_CONTENT_TYPE_PATTERN = r"^(?:video/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}|application/octet-stream)$"


METADATA_BYTES_MAX = 2048


class Request(BaseModel):
    """What every request is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class CreateVideo(Request):
    """Ask for an upload."""

    title: str = Field(
        min_length=1,
        max_length=200,
        pattern=TEXT_PATTERN,
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


class SignParts(Request):
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


class ListVideos(Request):
    """The query of a list."""

    status: Phase | None = None
    deleted: Literal["true", "false"] = "false"
    page_size: PageSize = 20
    page_token: str | None = Field(default=None, max_length=512)


class ListDeadLetters(Request):
    """The query of the administrators' list: only failed ones can be asked for."""

    status: Literal[Phase.ERRORED]
    page_size: PageSize = 20
    page_token: str | None = Field(default=None, max_length=512)
