"""The largest size that a real API accepts: one more byte is refused before anything is sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.s3 import S3Access
from tests.integration.api_process import A_VIDEO, ApiProcess, environment_of, running, without_cluster

LARGEST = 64 * 1024**2


@pytest.fixture
def api(database_url: str, s3: S3Access, tmp_path: Path) -> Iterator[ApiProcess]:
    environment = environment_of(database_url, s3, without_cluster(tmp_path), S3_MAX_FILE_BYTES=str(LARGEST))
    with running(environment, tmp_path) as process:
        yield process


@pytest.mark.parametrize("mode", ["single", "multipart"])
def test_the_largest_declared_size_is_the_configured_one(api: ApiProcess, mode: str) -> None:
    wanted = {**A_VIDEO, "upload_mode": mode, "size_bytes": LARGEST}
    created = api.call("POST", "/api/v1/videos", json=wanted)
    assert (created.status_code, created.json()["upload"]["mode"]) == (201, mode)

    refused = api.call("POST", "/api/v1/videos", json={**wanted, "size_bytes": LARGEST + 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "file_too_large")
    assert [error["field"] for error in refused.json()["errors"]] == ["size_bytes"]
