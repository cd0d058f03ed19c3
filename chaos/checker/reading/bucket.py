"""The bucket: every object, every open multipart upload, and what a request without a key gets."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import requests
from botocore.config import Config

from chaos.checker import keys
from chaos.checker.world import Fetched, StoredObject, UnfinishedUpload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TIMEOUT_SECONDS = 30
_AT_ONCE = 8


class BucketReader:
    """One bucket. ``access``: `endpoint`, `region`, `access_key`, `secret_key` and `bucket`."""

    def __init__(self, access: Mapping[str, str]) -> None:
        self._name = access["bucket"]
        self._public_url = access.get("public_base_url") or f"{access['endpoint']}/{self._name}"
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=access["endpoint"],
            region_name=access["region"],
            aws_access_key_id=access["access_key"],
            aws_secret_access_key=access["secret_key"],
            config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=_TIMEOUT_SECONDS),
        )

    def objects(self) -> dict[str, StoredObject]:
        """Return all objects by key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name)
        return {item["Key"]: _stored(item) for page in pages for item in page.get("Contents", ())}

    def open_uploads(self) -> list[UnfinishedUpload]:
        """Return the multipart uploads that were begun and not ended."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._name)
        return [
            UnfinishedUpload(item["Key"], item["UploadId"], item["Initiated"].timestamp())
            for page in pages
            for item in page.get("Uploads", ())
        ]

    def fetch(self, wanted: Iterable[str]) -> dict[str, Fetched]:
        """Ask for each key as a stranger does. Raises requests.RequestException when storage does not answer."""
        with requests.Session() as session, ThreadPoolExecutor(_AT_ONCE) as pool:
            ordered = list(wanted)
            return dict(zip(ordered, pool.map(lambda key: self._fetch(session, key), ordered), strict=True))

    def _fetch(self, session: requests.Session, key: str) -> Fetched:
        is_playlist = key.endswith(".m3u8") and key.startswith(f"{keys.PROCESSED}/")
        url = f"{self._public_url}/{quote(key)}"
        answer = session.request("GET" if is_playlist else "HEAD", url, timeout=_TIMEOUT_SECONDS)
        size = int(answer.headers.get("Content-Length") or len(answer.content))
        return Fetched(answer.status_code, size, answer.text if is_playlist else "")


def _stored(item: Any) -> StoredObject:
    return StoredObject(item["Key"], item["Size"], item["ETag"].strip('"'), item["LastModified"].timestamp())
