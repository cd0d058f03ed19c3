"""Files are uploaded whole, under the requested key and with the headers of the storage."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from devstack.coconut.request import StorageTarget
from devstack.coconut.storage import StorageError, object_url, upload
from devstack.coconut.transcode import MadeFile
from devstack.s3 import S3Access, client_for


@pytest.fixture
def storage(s3: S3Access) -> StorageTarget:
    return StorageTarget(
        bucket=s3.processed_bucket,
        path="/processed",
        region=s3.region,
        endpoint_url=s3.endpoint,
        uses_path_style=True,
        acl=None,
        object_headers={"Cache-Control": "max-age=60"},
        access_key_id=s3.processed_writer_access_key,
        secret_access_key=s3.processed_writer_secret_key,
    )


@pytest.mark.parametrize(
    ("path", "size"),
    [
        pytest.param("v1/1/empty.ts", 0, id="empty"),
        pytest.param("v1/1/large.ts", 40 * 2**20, id="large"),
        pytest.param("v1/1/ä b+c&d=e?f#g%20~(h)'*.ts", 100, id="every-kind-of-character"),
    ],
)
def test_a_file_is_uploaded_whole_under_its_key(
    s3: S3Access, storage: StorageTarget, tmp_path: Path, path: str, size: int
) -> None:
    local = tmp_path / "file"
    local.write_bytes(b"\x47" * size)
    upload(storage, [MadeFile(local, path)])
    head = client_for(s3).head_object(Bucket=s3.processed_bucket, Key=f"processed/{path}")
    assert (head["ContentLength"], head["ContentType"], head["CacheControl"]) == (size, "video/mp2t", "max-age=60")
    response = requests.get(object_url(storage, path), timeout=10)
    assert (response.status_code, response.content) == (200, local.read_bytes())


def test_a_failed_upload_is_reported_with_the_code_of_the_storage(storage: StorageTarget, tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(b"\x47")
    with pytest.raises(StorageError, match="AccessDenied"):
        upload(replace(storage, path="/uploads"), [MadeFile(local, "a.ts")])
    with pytest.raises(StorageError, match="no connection"):
        upload(replace(storage, endpoint_url="http://127.0.0.1:1"), [MadeFile(local, "a.ts")])
