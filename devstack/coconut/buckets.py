"""The customer's side: fetching the input, and writing outputs to the bucket with the job's own credentials.

Writing is one signed PUT for each file. boto3 would do the same at twice the cost, and that is most of what a
canned job costs.
"""

import functools
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import boto3
import requests
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from devstack.coconut.request import Bucket, Source, Storage
from devstack.coconut.transcode import MadeFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_INPUT_BYTES = 20 * 2**30
_CHUNK_BYTES = 2**20
_TIMEOUT_SECONDS = (10, 60)
_PRESIGNED_SECONDS = 3_600
_CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
_ERROR_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")
_RETRIES = urllib3.Retry(
    total=2,
    backoff_factor=0.2,
    status_forcelist=(500, 502, 503, 504),
    allowed_methods={"PUT"},
    redirect=0,
    raise_on_status=False,
    raise_on_redirect=False,
)
_pool = urllib3.PoolManager(
    maxsize=8, retries=_RETRIES, timeout=urllib3.Timeout(connect=_TIMEOUT_SECONDS[0], read=_TIMEOUT_SECONDS[1])
)
_clients = threading.Lock()


class InputError(Exception):
    """The input cannot be had. The message is what the customer reads: no URL in it."""


class StorageError(Exception):
    """An output cannot be written. The message is what the customer reads: no key in it."""


def download(source: Source, target: Path) -> None:
    """Fetch the input into a file."""
    received = 0
    try:
        with _get(source) as answer, target.open("wb") as file:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                received += len(chunk)
                if received > MAX_INPUT_BYTES:
                    raise InputError("The input file is too large.")
                file.write(chunk)
    except requests.RequestException as error:
        raise InputError("The input file couldn't be downloaded: the connection failed.") from error
    if not received:
        raise InputError("The input file is empty.")


def touch(source: Source) -> None:
    """Ask for the input's first byte only: is it there, and may we read it?"""
    try:
        with _get(source, {"Range": "bytes=0-0"}):
            pass
    except requests.RequestException as error:
        raise InputError("The input file couldn't be downloaded: the connection failed.") from error


def upload(storage: Storage, files: Iterable[MadeFile]) -> None:
    """Write files to the bucket, one after the other in the order given."""
    for file in files:
        try:
            answer = _put(storage, file)
        except urllib3.exceptions.HTTPError as error:
            raise _not_written("no connection") from error
        if answer.status != 200:
            code = _ERROR_CODE.search(answer.data)
            raise _not_written(code[1].decode() if code else f"HTTP {answer.status}")


def _put(storage: Storage, file: MadeFile) -> urllib3.BaseHTTPResponse:
    headers = {**storage.object_headers, "Content-Type": content_type(file.path)}
    if storage.acl:
        headers["x-amz-acl"] = storage.acl
    bucket = storage.bucket
    url = "{}://{}".format(*_address(storage, file.path))
    with file.local.open("rb") as body:
        request = AWSRequest("PUT", url, headers, body)
        S3SigV4Auth(Credentials(bucket.access_key_id, bucket.secret_access_key), "s3", bucket.region).add_auth(request)
        sent = {**request.headers, "Content-Length": str(file.local.stat().st_size)}
        return _pool.request("PUT", url, headers=sent, body=body)


def _not_written(why: str) -> StorageError:
    return StorageError(f"The file couldn't be uploaded to the storage: {why}.")


def object_key(storage: Storage, path: str) -> str:
    return "/".join(part for part in (*storage.path.split("/"), *path.split("/")) if part)


def object_url(storage: Storage, path: str) -> str:
    """Return the URL Coconut reports: of the origin, not of any CDN."""
    scheme, rest = _address(storage, path)
    if storage.bucket.service != "s3other":
        scheme = "https" if storage.is_secure else "http"
    return f"{scheme}://{rest}"


def _address(storage: Storage, path: str) -> tuple[str, str]:
    """Return the scheme of the endpoint, and the rest of the object's URL."""
    bucket = storage.bucket
    parts = urlsplit(bucket.endpoint_url)
    key = quote(object_key(storage, path))
    if bucket.uses_path_style:
        return parts.scheme, f"{parts.netloc}{parts.path}/{bucket.name}/{key}"
    return parts.scheme, f"{bucket.name}.{parts.netloc}{parts.path}/{key}"


def content_type(path: str) -> str:
    return _CONTENT_TYPES.get(Path(path).suffix.lower(), "application/octet-stream")


def _get(source: Source, headers: dict[str, str] | None = None) -> requests.Response:
    answer = requests.get(_url(source), headers=headers, stream=True, timeout=_TIMEOUT_SECONDS)
    if not answer.ok:
        answer.close()
        raise InputError(f"The input file couldn't be downloaded: HTTP {answer.status_code}.")
    return answer


def _url(source: Source) -> str:
    if source.bucket is None:
        return source.url or ""
    target = {"Bucket": source.bucket.name, "Key": source.object_key}
    return _client(source.bucket).generate_presigned_url("get_object", Params=target, ExpiresIn=_PRESIGNED_SECONDS)


def _client(bucket: Bucket) -> "S3Client":
    # Making a client is slow and not safe from several threads at once; using one is both.
    with _clients:
        return _cached_client(bucket)


@functools.lru_cache(maxsize=32)
def _cached_client(bucket: Bucket) -> "S3Client":
    style: Any = {"addressing_style": "path" if bucket.uses_path_style else "virtual"}
    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.endpoint_url,
        region_name=bucket.region,
        aws_access_key_id=bucket.access_key_id,
        aws_secret_access_key=bucket.secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3=style,
            connect_timeout=_TIMEOUT_SECONDS[0],
            read_timeout=_TIMEOUT_SECONDS[1],
            retries={"mode": "standard", "total_max_attempts": 3},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
