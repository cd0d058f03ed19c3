"""The customer's side: downloads the input, and writes outputs to the bucket with the job's own credentials.

Writing is one signed PUT for each file. boto3 would do the same at twice the cost, which is most of what a canned job
costs.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from devstack.coconut.request import StorageTarget
from devstack.coconut.transcode import MadeFile

MAX_INPUT_BYTES = 20 * 2**30
_CHUNK_BYTES = 2**20
_TIMEOUT_SECONDS = (10, 60)
_CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
    ".png": "image/png",
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


class InputError(Exception):
    """The input cannot be downloaded. The customer reads the message, so it holds no URL."""


class StorageError(Exception):
    """An output cannot be written. The customer reads the message, so it holds no key."""


def download(url: str, target: Path, *, only_first_byte: bool = False) -> None:
    """Download the input into a file. Raises InputError."""
    received, headers = 0, {"Range": "bytes=0-0"} if only_first_byte else {}
    try:
        with (
            requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response,
            target.open("wb") as file,
        ):
            if not response.ok:
                raise InputError(f"The input file couldn't be downloaded: HTTP {response.status_code}.")
            for chunk in response.iter_content(_CHUNK_BYTES):
                received += len(chunk)
                if received > MAX_INPUT_BYTES:
                    raise InputError("The input file is too large.")
                file.write(chunk)
    except requests.RequestException as error:
        raise InputError("The input file couldn't be downloaded: the connection failed.") from error
    if not received:
        raise InputError("The input file is empty.")


def upload(storage: StorageTarget, files: Iterable[MadeFile]) -> None:
    """Write files to the bucket, one after the other in the order given. Raises StorageError."""
    for file in files:
        try:
            response = _put(storage, file)
        except urllib3.exceptions.HTTPError as error:
            raise _not_written("no connection") from error
        if response.status != 200:
            code = _ERROR_CODE.search(response.data)
            raise _not_written(code[1].decode() if code else f"HTTP {response.status}")


def _put(storage: StorageTarget, file: MadeFile) -> urllib3.BaseHTTPResponse:
    content_type = _CONTENT_TYPES.get(Path(file.path).suffix.lower(), "application/octet-stream")
    headers = {**storage.object_headers, "Content-Type": content_type}
    if storage.acl:
        headers["x-amz-acl"] = storage.acl
    url = object_url(storage, file.path)
    credentials = Credentials(storage.access_key_id, storage.secret_access_key)
    with file.local.open("rb") as body:
        request = AWSRequest("PUT", url, headers, body)
        S3SigV4Auth(credentials, "s3", storage.region).add_auth(request)
        sent = {**request.headers, "Content-Length": str(file.local.stat().st_size)}
        return _pool.request("PUT", url, headers=sent, body=body)


def _not_written(reason: str) -> StorageError:
    return StorageError(f"The file couldn't be uploaded to the storage: {reason}.")


def object_url(storage: StorageTarget, path: str) -> str:
    """Return the URL of an object at its origin."""
    key = quote("/".join(part for part in (*storage.path.split("/"), *path.split("/")) if part))
    parts = urlsplit(storage.endpoint_url)
    if storage.uses_path_style:
        return f"{parts.scheme}://{parts.netloc}{parts.path}/{storage.bucket}/{key}"
    return f"{parts.scheme}://{storage.bucket}.{parts.netloc}{parts.path}/{key}"
