"""Configures boto3 clients, and translates botocore's errors into ours."""

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
from runtime.retry_after import retry_after_seconds
from storage.settings import KeyPair, StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Client errors by status that may pass: overload, or an object or part that was replaced meanwhile.
_RETRYABLE_CODES = frozenset(
    {"SlowDown", "RequestTimeout", "Throttling", "OperationAborted", "PreconditionFailed", "InvalidPart"}
)
_NOT_FOUND, _TOO_MANY_REQUESTS = 404, 429

# The only common base of botocore's ConnectionError and HTTPClientError also covers its usage errors.
_NO_RESPONSE = (botocore.exceptions.ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)

# Stores copy within themselves, but some answer only when a file of 5 GB is copied.
_LONG = {"read_timeout_seconds": 300.0, "max_attempts": 1}


@dataclass(frozen=True)
class Clients:
    """The clients of one store. ``own`` makes our requests, ``copier`` those that copy a whole file and may take long.

    The others only sign: uploads by users, reads by jobs.

    Thread-safe.
    """

    own: "S3Client"
    copier: "S3Client"
    upload_signer: "S3Client"
    source_signer: "S3Client"


def make_clients(settings: StorageSettings) -> Clients:
    """Make all clients of one store. Makes no request."""
    client = _maker(settings)
    return Clients(
        own=client(settings.endpoint, settings.main),
        copier=_maker(settings.model_copy(update=_LONG))(settings.endpoint, settings.main),
        upload_signer=client(settings.signing_endpoint, settings.main),
        source_signer=client(settings.signing_endpoint, settings.raw_reader),
    )


def make_own_client(settings: StorageSettings) -> "S3Client":
    """Make only the client for our own requests. Makes no request."""
    return _maker(settings)(settings.endpoint, settings.main)


def _maker(settings: StorageSettings) -> Callable[[str, KeyPair], "S3Client"]:
    # Not boto3's default session: making clients from it is not thread-safe.
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
def translate_errors(action: str) -> Iterator[None]:
    """Raise botocore's errors in the block as UnavailableError or RefusedError.

    ``action`` says what the block does and begins the message; it must not name a key. botocore's own text is left
    out, because it may quote signed URLs.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(action, error) from error
    except _NO_RESPONSE as error:
        raise UnavailableError(f"{action} at the object store: no answer ({type(error).__name__})") from error


def is_missing(error: ClientError) -> bool:
    """Return whether the object does not exist. The response to a HEAD has no body, only its 404."""
    return error.response["Error"].get("Code") in {"404", "NoSuchKey", "NotFound"}


def is_missing_upload(error: ClientError) -> bool:
    """Return whether the multipart upload does not exist: it was completed, aborted, or never created."""
    return error.response["Error"].get("Code") == "NoSuchUpload"


def is_missing_bucket(error: ClientError) -> bool:
    """Return whether the bucket does not exist. Only a response with a body can say so."""
    metadata = error.response["ResponseMetadata"]
    return metadata["HTTPStatusCode"] == _NOT_FOUND and error.response["Error"].get("Code") == "NoSuchBucket"


def _translated(action: str, error: ClientError) -> UnavailableError | RefusedError:
    metadata = error.response["ResponseMetadata"]
    status, code = metadata["HTTPStatusCode"], error.response["Error"].get("Code", "")
    message = f"{action} at the object store: HTTP {status} {code}".rstrip()
    if status >= 500 or status == _TOO_MANY_REQUESTS or code in _RETRYABLE_CODES:
        return UnavailableError(message, retry_after_seconds=retry_after_seconds(metadata["HTTPHeaders"]))
    return RefusedError(message)
