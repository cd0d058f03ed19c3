"""Tells schemathesis what the document cannot: bounds and values that JSON Schema cannot express.

What is bad by the document stays as it is; what is well-formed is made good. That the API refuses the rest is shown
by tests/hostile.
"""

import itertools
import json
import os
import re
from datetime import datetime
from typing import Any

import psycopg
import schemathesis

from domain.profiles import DEFAULT_PROFILE, PROFILE_PATTERN
from domain.video import VIDEO_ID_PATTERN
from runtime.ssrf_guard import URL_MAX, URL_PATTERN
from tests.integration.webhook_rows import WebhookIds, tidy
from tests.support.builders.pictures import PICTURE
from webapi.schemas.requests import (
    CAPTION_TYPES,
    METADATA_BYTES_MAX,
    PLAN_CHARACTERS_MAX,
    POSTER_TYPES,
    REGION_MAX,
    SIGNED_AT_ONCE_MAX,
    TEXT_PATTERN,
    UUID_PATTERN,
)

_FILE_BYTES_MAX = 5 * 1024**3
_PAGE_TOKEN_MAX = 512
_KEY = re.compile(r"[!#-\[\]-~]{1,240}")
# A video that each call is good for, and a query that was signed.
_VIDEO_IDS = json.loads(os.environ["VIDEO_IDS"])
_SIGNED = json.loads(os.environ["SIGNED_QUERY"])
_PLAYBACK_TOKENS = json.loads(os.environ["PLAYBACK_TOKENS"])
_PLAYBACK_TOKEN_MAX = 2048
_PLANS = json.loads(os.environ["PLANS"])
_PLAN = re.compile(rf"[A-Za-z0-9_-]{{1,{PLAN_CHARACTERS_MAX}}}")
_ID = re.compile(VIDEO_ID_PATTERN)
_MADE_BY_THE_API = re.compile(r"[a-z2-7]{26}")
_WEBHOOK_IDS = WebhookIds(**json.loads(os.environ["WEBHOOK_IDS"]))
_connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
_CAPTIONS = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"
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
        # Ids cannot be guessed, so those from earlier answers are used.
        case.path_parameters["video_id"] = _VIDEO_IDS.get(f"{case.method} {case.operation.path}", video_id)
    if "/admin/webhooks" in case.operation.path or "/admin/deliveries" in case.operation.path:
        _make_endpoint(case.path_parameters)
    if case.query.keys() == _SIGNED.keys() and all(isinstance(value, str) for value in case.query.values()):
        case.query.update(_SIGNED)
    for name, time in {"created_after": "2026-01-01T00:00:00Z", "created_before": "2026-01-02T00:00:00Z"}.items():
        if name in case.query and _is_time(case.query[name]):
            # One has to come after the other, and both have to be times in UTC too.
            case.query[name] = time
    opening = case.query.get("token")
    if case.operation.path in _PLAYBACK_TOKENS and isinstance(opening, str) and 0 < len(opening) <= _PLAYBACK_TOKEN_MAX:
        # Tokens are in URLs that the API gave.
        case.query["token"] = _PLAYBACK_TOKENS[case.operation.path]
    token = case.query.get("page_token")
    if isinstance(token, str) and len(token) <= _PAGE_TOKEN_MAX:
        # Tokens come from answers; without one it is the first page.
        case.query["page_token"] = ""
    if isinstance(case.body, dict):
        _make_good(case.body)
        plan = case.body.get("plan")
        if case.operation.path in _PLANS and isinstance(plan, str) and _PLAN.fullmatch(plan):
            # Plans are signed.
            case.body["plan"] = _PLANS[case.operation.path]
    if case.operation.path.endswith("/captions/{language}") and case.media_type in CAPTION_TYPES:
        # What makes a text captions is a matter of their format.
        case.body = _CAPTIONS
    if case.operation.path.endswith("/poster") and case.media_type in POSTER_TYPES:
        case.body = PICTURE


def _make_endpoint(path_parameters: dict[str, Any]) -> None:
    """Have an endpoint there for the call, whatever calls before it did, and name it where something well-formed is."""
    tidy(_connection, _WEBHOOK_IDS)
    known = {f"{name}_id": value for name, value in vars(_WEBHOOK_IDS).items()}
    for name, value in path_parameters.items():
        if name in known and isinstance(value, str) and re.fullmatch(UUID_PATTERN, value):
            path_parameters[name] = known[name]


def _make_good(body: dict[str, Any]) -> None:
    size = body.get("size_bytes")
    if isinstance(size, int | float) and not isinstance(size, bool) and size >= 1 and size == int(size):
        # To JSON Schema 9.0 is an integer; the largest size is a setting.
        body["size_bytes"] = min(int(size), _FILE_BYTES_MAX)
    if body.get("upload_mode") == "multipart" and size is None:
        # The parts follow from the size.
        body["size_bytes"] = 9
    if body.get("upload_mode") == "multipart":
        # A checksum is that of a file in one piece.
        body.pop("content_md5", None)
    url = body.get("source_url")
    if isinstance(url, str) and len(url) <= URL_MAX and re.fullmatch(URL_PATTERN, url):
        # Which URLs are fetched is a matter of addresses, and both others are for a file that the client sends.
        body["source_url"] = "https://files.example.com/cats.mp4"
        body.pop("content_md5", None)
        body.pop("upload_mode", None)
    region = body.get("region")
    if isinstance(region, str) and 1 <= len(region) <= REGION_MAX and re.fullmatch(TEXT_PATTERN, region):
        # Which regions there are is a setting.
        body["region"] = "tor1"
    profile = body.get("profile")
    if isinstance(profile, str) and re.fullmatch(PROFILE_PATTERN, profile):
        # Which profiles there are is a setting too.
        body["profile"] = DEFAULT_PROFILE
    url = body.get("url")
    if isinstance(url, str) and len(url) <= URL_MAX and re.fullmatch(URL_PATTERN, url):
        # What may be behind a name is no matter of its form.
        body["url"] = "https://127.0.0.1/"
    if "since" in body and "until" in body and _is_time(body["since"]) and _is_time(body["until"]):
        body.update(since="2026-01-01T00:00:00Z", until="2026-01-02T00:00:00Z")
    numbers = body.get("part_numbers")
    if isinstance(numbers, list) and 1 <= len(numbers) <= SIGNED_AT_ONCE_MAX and _are_distinct(numbers):
        # How many parts there are is a matter of the file; the first one is always there.
        body["part_numbers"] = [1]
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and len(json.dumps(metadata)) > METADATA_BYTES_MAX:
        body["metadata"] = {}


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _are_distinct(numbers: list[Any]) -> bool:
    are_numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
    return (
        are_numbers
        and all(number >= 1 and number == int(number) for number in numbers)
        and len(set(numbers)) == len(numbers)
    )
