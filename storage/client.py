"""How boto3 is used here: the clients' configuration, and how botocore's trouble becomes ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.exceptions
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.parsers import ResponseParserError

from domain.errors import RefusedError, UnavailableError
from storage.settings import KeyPair, StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Refusals by status that pass by themselves, or after another look: a part was replaced since the last one.
_PASSING_CODES = frozenset(
    {"SlowDown", "RequestTimeout", "Throttling", "OperationAborted", "PreconditionFailed", "InvalidPart"}
)
_NOT_FOUND, _TOO_MANY_REQUESTS = 404, 429

# botocore's own ConnectionError and HTTPClientError have no common base but the one of its usage errors.
_NO_ANSWER = (botocore.exceptions.ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)


@dataclass(frozen=True)
class Clients:
    """``own`` makes our requests; the others only sign: uploads for clients, originals for jobs. Shared by threads."""

    own: "S3Client"
    upload_signer: "S3Client"
    source_signer: "S3Client"


def make_clients(settings: StorageSettings) -> Clients:
    """Make all clients of one store. Nothing is asked yet."""
    client = _maker(settings)
    return Clients(
        own=client(settings.endpoint, settings.main),
        upload_signer=client(settings.signing_endpoint, settings.main),
        source_signer=client(settings.signing_endpoint, settings.raw_reader),
    )


def make_own_client(settings: StorageSettings) -> "S3Client":
    """Make only the client of our own requests. Nothing is asked yet."""
    return _maker(settings)(settings.endpoint, settings.main)


def _maker(settings: StorageSettings) -> Callable[[str, KeyPair], "S3Client"]:
    # A session of our own: clients made from the default one are not safe in several threads.
    session = boto3.session.Session()
    config = Config(
        signature_version="s3v4",
        # Since 1.36 botocore adds checksum headers that Spaces and other stores refuse.
        # https://github.com/boto/boto3/issues/4392
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": settings.addressing_style},
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": settings.max_attempts},
        max_pool_connections=settings.max_connections,
    )

    def client(endpoint: str, pair: KeyPair) -> "S3Client":
        return session.client(
            "s3",
            endpoint_url=endpoint,
            region_name=settings.region,
            aws_access_key_id=pair.access_key,
            aws_secret_access_key=pair.secret_key.get_secret_value(),
            config=config,
        )

    return client


@contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Turn what botocore raises into UnavailableError or RefusedError.

    ``doing`` names no key. Neither does what botocore says find its way into the message: it may quote URLs.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(doing, error) from error
    except _NO_ANSWER as error:
        raise UnavailableError(f"{doing} at the object store: no answer ({type(error).__name__})") from error


def is_missing(error: ClientError) -> bool:
    """Tell whether storage said that there is no such object. A HEAD has no body to say more than 404."""
    return error.response["Error"].get("Code") in {"404", "NoSuchKey", "NotFound"}


def is_missing_upload(error: ClientError) -> bool:
    """Tell whether storage said that there is no such multipart upload: it was completed, aborted, or never was."""
    return error.response["Error"].get("Code") == "NoSuchUpload"


def is_missing_bucket(error: ClientError) -> bool:
    """Tell whether storage said that there is no such bucket. Only an answer with a body can."""
    answer = error.response["ResponseMetadata"]
    return answer["HTTPStatusCode"] == _NOT_FOUND and error.response["Error"].get("Code") == "NoSuchBucket"


def _translated(doing: str, error: ClientError) -> UnavailableError | RefusedError:
    answer = error.response["ResponseMetadata"]
    status, code = answer["HTTPStatusCode"], error.response["Error"].get("Code", "")
    message = f"{doing} at the object store: HTTP {status} {code}".rstrip()
    if status >= 500 or status == _TOO_MANY_REQUESTS or code in _PASSING_CODES:
        return UnavailableError(message, retry_after_seconds=_seconds(answer["HTTPHeaders"].get("retry-after")))
    return RefusedError(message)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
