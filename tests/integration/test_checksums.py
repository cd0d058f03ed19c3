"""A file whose checksum its client declared: storage takes no other one, and the service says which it waits for."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from devstack.s3 import S3Access
from tests.integration.api_process import A_VIDEO, ApiProcess, environment_of, running, without_cluster

FILE = b"a video of nineteen"
CHECKSUM = base64.b64encode(hashlib.md5(FILE, usedforsecurity=False).digest()).decode()


@pytest.fixture
def api(database_url: str, s3: S3Access, tmp_path: Path) -> Iterator[ApiProcess]:
    with running(environment_of(database_url, s3, without_cluster(tmp_path)), tmp_path) as process:
        yield process


def put(target: dict[str, Any], body: bytes, **headers: str | None) -> int:
    sent = {name: value for name, value in {**target["headers"], **headers}.items() if value is not None}
    return requests.put(target["upload_url"], data=body, headers=sent, timeout=20).status_code


def test_only_the_declared_file_is_taken(api: ApiProcess) -> None:
    created = api.create(content_md5=CHECKSUM, size_bytes=len(FILE))

    assert created["headers"]["Content-MD5"] == CHECKSUM
    damaged = bytes([FILE[0] ^ 1]) + FILE[1:]
    other = base64.b64encode(hashlib.md5(damaged, usedforsecurity=False).digest()).decode()
    assert put(created, damaged) == 400
    assert put(created, damaged, **{"Content-MD5": None}) == 403
    assert put(created, damaged, **{"Content-MD5": other}) == 403
    assert put(created, FILE) == 200


def test_the_checksum_is_shown_and_holds_for_further_urls(api: ApiProcess) -> None:
    path = f"/api/v1/videos/{api.create(content_md5=CHECKSUM)['video_id']}"

    assert api.call("GET", path).json()["content_md5"] == CHECKSUM
    again = api.call("POST", f"{path}/upload_url").json()
    assert put(again, FILE + b"!") == 400
    assert put(again, FILE) == 200


def test_a_video_without_a_checksum_shows_none(api: ApiProcess) -> None:
    assert api.call("GET", f"/api/v1/videos/{api.create()['video_id']}").json()["content_md5"] is None


def test_a_large_file_with_a_checksum_is_sent_in_one_piece(api: ApiProcess) -> None:
    assert api.create(size_bytes=10**9)["upload"]["mode"] == "multipart"
    assert api.create(size_bytes=10**9, content_md5=CHECKSUM)["upload"]["mode"] == "single"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"content_md5": CHECKSUM, "upload_mode": "multipart", "size_bytes": 9}, "content_md5", id="parts"),
        pytest.param({"content_md5": hashlib.md5(FILE, usedforsecurity=False).hexdigest()}, "content_md5", id="hex"),
        pytest.param({"content_md5": ""}, "content_md5", id="empty"),
        pytest.param({"content_md5": CHECKSUM[:-3] + "B=="}, "content_md5", id="stray-bits"),
    ],
)
def test_what_is_no_checksum_is_refused(api: ApiProcess, changes: dict[str, object], field: str) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
