"""Configures boto3 clients and signed sessions, and translates botocore's errors into ours."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
    AWSRequest,
    AWSResponse,
)
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from domain.errors import KeyRefusedError, RefusedError, UnavailableError
from runtime import heartbeats, time_budget
from runtime.clock import SharedClock
from runtime.deadline import Watched, within
from runtime.retry_after import retry_after_seconds
from storage.settings import KeyPair, StorageSettings
from storage.signed_session import NO_RESPONSE, SignedSession

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Client errors by status that may pass: overload, or an object or part that was replaced meanwhile.
_RETRYABLE_CODES = frozenset(
    {"SlowDown", "RequestTimeout", "Throttling", "OperationAborted", "PreconditionFailed", "InvalidPart"}
)
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY_REQUESTS = 401, 403, 404, 429

# Copies and joins happen inside the store, but some stores answer only once a file of 5 GB is complete.
_LONG_SECONDS = 300.0

_making = Lock()


@dataclass(frozen=True)
class Clients:
    """What reaches one store. ``session`` makes the requests about single objects, ``own`` those about parts.

    ``copying`` and ``copier`` make the same kinds of requests, which take the store long: to copy or join a file. The
    others only sign: uploads by users, reads by jobs.

    Thread-safe.
    """

    session: SignedSession
    copying: SignedSession
    own: "S3Client"
    copier: "S3Client"
    upload_signer: "S3Client"
    source_signer: "S3Client"


def make_clients(settings: StorageSettings, clock: SharedClock | None = None) -> Clients:
    """Make all clients of one store. Makes no request. ``clock`` learns the time of the store: see `sign_by`."""
    client = _maker(settings)
    own, copier = (make(settings.endpoint, settings.main) for make in (client, _maker(settings, is_long=True)))
    return Clients(
        session=_session(settings, own, clock),
        copying=_session(settings, copier, clock, is_long=True),
        own=own,
        copier=copier,
        upload_signer=client(settings.signing_endpoint, settings.raw_writer),
        source_signer=client(settings.signing_endpoint, settings.raw_reader),
    )


def _session(
    settings: StorageSettings, client: "S3Client", clock: SharedClock | None, *, is_long: bool = False
) -> SignedSession:
    """Make a session on the connections of a client with the main key."""
    credentials = Credentials(settings.access_key, settings.secret_key.get_secret_value())
    return SignedSession(
        client,
        _http(client),
        credentials,
        _limits(settings, is_long=is_long),
        max_attempts=_max_attempts(settings, is_long=is_long),
        clock=clock,
    )


def make_own_client(settings: StorageSettings) -> "S3Client":
    """Make only the client for our own requests. Makes no request."""
    return _maker(settings)(settings.endpoint, settings.main)


def make_probe_signer(settings: StorageSettings) -> "S3Client":
    """Make a client that signs with the key of uploads, for the endpoint that our own processes reach."""
    return _maker(settings)(settings.endpoint, settings.raw_writer)


def _maker(settings: StorageSettings, *, is_long: bool = False) -> Callable[[str, KeyPair], "S3Client"]:
    """Return a function that makes clients. ``is_long``: for exchanges that take longer, each of which is made once."""
    config = Config(
        signature_version="s3v4",
        # Since 1.36 botocore adds checksum headers that Spaces and other stores refuse.
        # https://github.com/boto/boto3/issues/4392
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": settings.addressing_style},
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=_LONG_SECONDS if is_long else settings.read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": _max_attempts(settings, is_long=is_long)},
        max_pool_connections=settings.max_connections,
    )

    def client(endpoint: str, pair: KeyPair) -> "S3Client":
        # Making clients from one session is not thread-safe.
        with _making:
            made = _boto3().client(
                "s3",
                endpoint_url=endpoint,
                region_name=settings.region,
                aws_access_key_id=pair.access_key,
                aws_secret_access_key=pair.secret_key.get_secret_value(),
                config=config,
            )
        _bound_exchanges(made, _limits(settings, is_long=is_long))
        return made

    return client


@cache
def _boto3() -> boto3.session.Session:
    """Return the session of all clients: reading the description of S3 takes ten times as long as making a client."""
    return boto3.session.Session()


def _max_attempts(settings: StorageSettings, *, is_long: bool) -> int:
    return 1 if is_long else settings.max_attempts


def _bound_exchanges(client: "S3Client", limits: Callable[[], AbstractContextManager[None]]) -> None:
    """Give each exchange of a client a total deadline: botocore's timeouts bound each wait for bytes."""
    http = _http(client)
    _watch(http)

    def send(request: Any, **_: object) -> Any:
        with limits():
            return http.send(request)

    # A handler of this event may return the response.
    client.meta.events.register("before-send.s3", send)


def _http(client: "S3Client") -> Any:
    # There is no public way to it; tests/integration/test_trickles.py notices when it moves.
    return client._endpoint.http_session  # type: ignore[attr-defined]


def _limits(settings: StorageSettings, *, is_long: bool) -> Callable[[], AbstractContextManager[None]]:
    """Return what bounds each exchange. The time of a long one is not counted: all others of a pass take less."""
    if is_long:
        return partial(_long, _LONG_SECONDS)
    return partial(bounded, settings.connect_timeout_seconds + settings.read_timeout_seconds)


@contextmanager
def _long(seconds: float) -> Iterator[None]:
    time_budget.check()
    with heartbeats.allowing(seconds), time_budget.uncounted(), bounded(seconds):
        yield


def put_signed(url: str, headers: dict[str, str], *, seconds: float) -> AWSResponse:
    """Send a PUT without a body to a signed URL, and return the response. Raises botocore's errors."""
    session = URLLib3Session(proxies=get_environ_proxies(url), timeout=ceil(seconds))
    _watch(session)
    with closing(session), bounded(seconds):
        return session.send(AWSRequest("PUT", url, headers, b"").prepare())


def _watch(session: Any) -> None:
    session._pool_classes_by_scheme.update(http=_PlainPool, https=_TlsPool)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Bound the exchanges made inside. Raises ReadTimeoutError, since a body cut off looks like a short one."""
    with within(seconds) as deadline:
        yield
        if deadline.is_over:
            raise ReadTimeoutError(endpoint_url="the object store")


class _Plain(Watched, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _Tls(Watched, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _PlainPool(AWSHTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _Tls


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
    except NO_RESPONSE as error:
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
    return KeyRefusedError(message) if status in {_UNAUTHORIZED, _FORBIDDEN} else RefusedError(message)
