"""What schemathesis cannot know from the document: bounds and values that JSON Schema has no words for.

What is bad by the document stays as it is; what is well-formed is made good. That the API refuses the rest is shown
by tests/hostile.
"""

import itertools
import json
import os
import re
from typing import Any

import orjson
import schemathesis

from crds.videoupload import VIDEO_ID_PATTERN
from webapi.questions import METADATA_BYTES_MAX, SIGNED_AT_ONCE_MAX

_FILE_BYTES_MAX = 5 * 1024**3
_PAGE_TOKEN_MAX = 512
_KEY = re.compile(r"[!#-\[\]-~]{1,240}")
# A video that each call is good for, and a query that was signed.
_VIDEO_IDS = json.loads(os.environ["VIDEO_IDS"])
_SIGNED = json.loads(os.environ["SIGNED_QUERY"])
_ID = re.compile(VIDEO_ID_PATTERN)
_MADE_BY_THE_API = re.compile(r"[a-z2-7]{26}")
_numbers = itertools.count()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Change one request before it is sent."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        # Another body under the same key would be refused.
        case.headers["Idempotency-Key"] = f"{key}-{next(_numbers)}"
    video_id = case.path_parameters.get("video_id")
    if isinstance(video_id, str) and _ID.fullmatch(video_id) and not _MADE_BY_THE_API.fullmatch(video_id):
        # Nobody guesses an id; those that answers have told are kept.
        case.path_parameters["video_id"] = _VIDEO_IDS.get(f"{case.method} {case.operation.path}", video_id)
    if case.query.keys() == _SIGNED.keys() and all(isinstance(value, str) for value in case.query.values()):
        case.query.update(_SIGNED)
    token = case.query.get("page_token")
    if isinstance(token, str) and len(token) <= _PAGE_TOKEN_MAX:
        # Tokens come from answers; without one it is the first page.
        case.query["page_token"] = ""
    if isinstance(case.body, dict):
        _make_good(case.body)


def _make_good(body: dict[str, Any]) -> None:
    size = body.get("size_bytes")
    if isinstance(size, int | float) and not isinstance(size, bool) and size >= 1 and size == int(size):
        # To JSON Schema 9.0 is an integer; the largest size is a setting.
        body["size_bytes"] = min(int(size), _FILE_BYTES_MAX)
    if body.get("upload_mode") == "multipart" and size is None:
        # The parts follow from the size.
        body["size_bytes"] = 9
    numbers = body.get("part_numbers")
    if isinstance(numbers, list) and 1 <= len(numbers) <= SIGNED_AT_ONCE_MAX and _are_distinct(numbers):
        # How many parts there are is a matter of the file; the first one is always there.
        body["part_numbers"] = [1]
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and len(orjson.dumps(metadata)) > METADATA_BYTES_MAX:
        body["metadata"] = {}


def _are_distinct(numbers: list[Any]) -> bool:
    are_numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
    return (
        are_numbers
        and all(number >= 1 and number == int(number) for number in numbers)
        and len(set(numbers)) == len(numbers)
    )
