"""What the stand-in writes arrives whole, under the key that was asked for, with the headers of the storage."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from devstack.coconut.buckets import StorageError, object_url, upload
from devstack.coconut.request import Bucket, Storage
from devstack.coconut.transcode import MadeFile
from devstack.s3 import S3Access, client_for


@pytest.fixture
def storage(s3: S3Access) -> Storage:
    bucket = Bucket(
        service="s3other",
        name=s3.processed_bucket,
        region=s3.region,
        endpoint_url=s3.endpoint,
        uses_path_style=True,
        access_key_id=s3.processed_writer_access_key,
        secret_access_key=s3.processed_writer_secret_key,
    )
    return Storage(bucket=bucket, path="/processed", is_secure=True, acl=None, object_headers={})


@pytest.mark.parametrize(
    ("path", "size"),
    [
        pytest.param("v1/1/a.ts", 100, id="plain"),
        pytest.param("v1/1/empty.ts", 0, id="empty"),
        pytest.param("v1/1/large.ts", 40 * 2**20, id="large"),
        pytest.param("v1/1/ä b+c&d=e?f#g%20~(h)'*.ts", 100, id="every-kind-of-character"),
    ],
)
def test_a_file_arrives_whole_under_its_key(
    s3: S3Access, storage: Storage, tmp_path: Path, path: str, size: int
) -> None:
    local = tmp_path / "file"
    local.write_bytes(b"\x47" * size)
    headers = {"Cache-Control": "max-age=60"}
    upload(replace(storage, object_headers=headers), [MadeFile(local, path)])
    head = client_for(s3).head_object(Bucket=s3.processed_bucket, Key=f"processed/{path}")
    assert (head["ContentLength"], head["ContentType"]) == (size, "video/mp2t")
    assert head["CacheControl"] == "max-age=60"
    shown = requests.get(object_url(storage, path), timeout=10)
    assert (shown.status_code, shown.content) == (200, local.read_bytes())


def test_what_the_key_may_not_do_is_told_in_the_words_of_the_storage(storage: Storage, tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(b"\x47")
    with pytest.raises(StorageError, match="AccessDenied"):
        upload(replace(storage, path="/uploads"), [MadeFile(local, "a.ts")])
    closed = replace(storage.bucket, endpoint_url="http://127.0.0.1:1")
    with pytest.raises(StorageError, match="no connection"):
        upload(replace(storage, bucket=closed), [MadeFile(local, "a.ts")])
