"""The requests that every pass makes, without boto3's layers, which cost more than the exchange itself.

botocore signs and sends them on the connections of a boto3 client, which also decides the URL of a bucket. boto3 itself
signs URLs, and makes the requests that are rare: those about parts, and the checks of the start.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree as ET

import botocore.exceptions
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from botocore.utils import parse_timestamp
from urllib3.exceptions import HTTPError

from domain.errors import UnavailableError
from domain.objects import ObjectFacts, StoredFile
from runtime.clock import SharedClock
from storage import signing_clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The only common base of botocore's ConnectionError and HTTPClientError also covers its usage errors.
NO_RESPONSE = (botocore.exceptions.ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)

# The limit of every response that is no file. The longest is a page of 1,000 keys of 1,024 bytes, all of them escaped.
_XML_BYTES_MAX = 8 * 1024**2
# What boto3's "standard" mode sends again, and its waits before the second attempt.
_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
_RETRIED_CODES = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"})
_THROTTLING_CODES = frozenset(
    {"BandwidthLimitExceeded", "RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException"}
)
_WAIT_SECONDS, _THROTTLED_WAIT_SECONDS = 0.05, 1.0
_TOO_MANY_REQUESTS = 429
_USER_AGENT = "video-uploads"


@dataclass(frozen=True)
class ListingPage:
    """A page of a listing: objects, the prefixes that end with the delimiter, and whether there are more."""

    files: tuple[StoredFile, ...]
    prefixes: tuple[str, ...]
    is_truncated: bool
    next_token: str


class SignedSession:
    """Requests about single objects. Every method raises ClientError, one of NO_RESPONSE, or UnavailableError.

    Thread-safe.
    """

    def __init__(
        self,
        client: "S3Client",
        http: URLLib3Session,
        credentials: Credentials,
        limits: Callable[[], AbstractContextManager[None]],
        *,
        max_attempts: int,
        clock: SharedClock | None = None,
    ) -> None:
        """``http``: the connections of ``client``. ``limits`` bounds the time of one exchange, its body included.

        ``clock`` learns the time of the store.
        """
        self._clock = clock or SharedClock()
        self._client, self._http, self._limits, self._max_attempts = client, http, limits, max_attempts
        self._signer = S3SigV4Auth(credentials, "s3", client.meta.region_name)
        self._urls: dict[str, tuple[str, str]] = {}

    def head(self, bucket: str, key: str) -> ObjectFacts:
        """Return the facts of an object. Raises UnavailableError if a proxy answered."""
        headers, _ = self._exchange("HeadObject", "HEAD", self._object_url(bucket, key))
        return _facts_of(headers)

    def read(self, bucket: str, key: str, *, at_most: int) -> bytes:
        """Return the object, or so many of its first bytes."""
        _, body = self._exchange("GetObject", "GET", self._object_url(bucket, key), at_most=at_most)
        return body

    def read_range(self, bucket: str, key: str, *, offset: int, length: int, etag: str) -> bytes:
        """Return some bytes of exactly this version of the object."""
        headers = {"Range": f"bytes={offset}-{offset + length - 1}", "If-Match": f'"{etag}"'}
        _, body = self._exchange("GetObject", "GET", self._object_url(bucket, key), headers, at_most=length)
        return body

    def put(self, bucket: str, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Write an object with these headers."""
        self._exchange("PutObject", "PUT", self._object_url(bucket, key), headers, body)

    def copy(self, bucket: str, source_key: str, key: str, headers: Mapping[str, str]) -> None:
        """Have the store copy an object within a bucket, with these headers."""
        source = {"x-amz-copy-source": quote(f"{bucket}/{source_key}")}
        self._exchange("CopyObject", "PUT", self._object_url(bucket, key), source | dict(headers))

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; succeeds if it is already gone."""
        self._exchange("DeleteObject", "DELETE", self._object_url(bucket, key))

    def page(
        self, bucket: str, prefix: str, *, delimiter: str = "", at_most: int = 1000, token: str = ""
    ) -> ListingPage:
        """Return one page of a listing, in order of keys."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(at_most), "encoding-type": "url"}
        query |= {"delimiter": delimiter} if delimiter else {}
        query |= {"continuation-token": token} if token else {}
        url = f"{self._urls_of(bucket)[0]}?{urlencode(query, quote_via=quote, safe='')}"
        _, body = self._exchange("ListObjectsV2", "GET", url)
        return _page_of(_root(body))

    def pages(self, bucket: str, prefix: str, *, delimiter: str = "") -> Iterator[ListingPage]:
        """Return all pages of a listing; each is requested when it is needed."""
        token = ""
        while True:
            page = self.page(bucket, prefix, delimiter=delimiter, token=token)
            yield page
            if not page.is_truncated:
                return
            if page.next_token in {"", token}:
                raise ResponseParserError("the listing does not say how it goes on")
            token = page.next_token

    def _object_url(self, bucket: str, key: str) -> str:
        return self._urls_of(bucket)[1] + quote(key, safe="/~")

    def _urls_of(self, bucket: str) -> tuple[str, str]:
        """Return the URL of a bucket, and that of its objects without the key: boto3 knows the styles of addressing."""
        urls = self._urls.get(bucket)
        if urls is None:
            sign = self._client.generate_presigned_url
            listed, read = (
                sign("list_objects_v2", Params={"Bucket": bucket}),
                sign("head_object", Params={"Bucket": bucket, "Key": "k"}),
            )
            urls = self._urls[bucket] = listed.partition("?")[0], read.partition("?")[0].removesuffix("k")
        return urls

    def _exchange(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        at_most: int = _XML_BYTES_MAX,
    ) -> tuple[Mapping[str, str], bytes]:
        """Return the headers of the response, and so many bytes of its body."""
        attempt = 1
        while True:
            try:
                return self._once(operation, AWSRequest(method, url, dict(headers or {}), body), at_most)
            except (ClientError, *NO_RESPONSE) as error:
                wait_seconds = _wait_seconds(error)
                if attempt >= self._max_attempts or wait_seconds is None:
                    raise
            # As in boto3's standard mode, nothing but time is waited for: a second at most with the default attempts.
            time.sleep(random.random() * wait_seconds * 2 ** (attempt - 1))
            attempt += 1

    def _once(self, operation: str, request: AWSRequest, at_most: int) -> tuple[Mapping[str, str], bytes]:
        request.headers["User-Agent"] = _USER_AGENT
        self._signer.add_auth(request)
        request.stream_output = True  # so that the body is read here
        began = self._clock.begin()
        with self._limits():
            response = self._http.send(request.prepare())
            if began is not None:
                signing_clock.learn(self._clock, response.headers, began=began)
            is_refused = response.status_code >= 300
            body = _body_of(response, _XML_BYTES_MAX if is_refused else at_most)
        if is_refused:
            raise _error_of(operation, response.status_code, response.headers, body)
        # A copy may fail after its status was sent, and a proxy's page must not count as done.
        if operation != "GetObject" and body.strip() and _name(_root(body)) == "Error":
            raise _error_of(operation, 500, response.headers, body)
        return response.headers, body


def _body_of(response: AWSResponse, at_most: int) -> bytes:
    stream = response.raw
    try:
        body: bytes = stream.read(at_most)
    except HTTPError as error:
        raise ResponseStreamingError(error=error) from error
    finally:
        # On a reused connection, an unread rest would be taken for the next response. One read to its end is back in
        # the pool by now.
        stream.close()
    # urllib3 knows which responses have no body, whatever their headers say.
    missing = stream.length_remaining
    if missing and len(body) < at_most:
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=len(body) + missing)
    return body


def _root(body: bytes) -> ET.Element:
    try:
        # expat limits what entities expand to, and the body is limited. Stores that copy for long send blanks first.
        return ET.fromstring(body.strip(), ET.XMLParser(encoding="utf-8"))  # noqa: S314
    except ET.ParseError as error:
        raise ResponseParserError("the response is not from an object store") from error


def _name(element: ET.Element) -> str:
    """Return the name of an element without its namespace, which stores write differently or not at all."""
    return element.tag.rpartition("}")[2]


def _fields(element: ET.Element) -> dict[str, str]:
    return {_name(child): child.text or "" for child in element}


def _error_of(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> ClientError:
    try:
        root = _root(body)
        fields = _fields(root) if _name(root) == "Error" else {}
    except ResponseParserError:
        # The response to a HEAD has no body, and a proxy's page is no XML.
        fields = {"Code": str(status), "Message": responses.get(status, "")}
    parsed: Any = {
        "Error": {"Code": fields.get("Code", ""), "Message": fields.get("Message", "")},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(headers.items())},
    }
    return ClientError(parsed, operation)


def _wait_seconds(error: Exception) -> float | None:
    """Return how long to wait at most before the second attempt; None if there is to be none."""
    if not isinstance(error, ClientError):
        return _WAIT_SECONDS
    status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    if code in _THROTTLING_CODES or status == _TOO_MANY_REQUESTS:
        return _THROTTLED_WAIT_SECONDS
    return _WAIT_SECONDS if code in _RETRIED_CODES or status in _RETRIED_STATUSES else None


def _facts_of(headers: Mapping[str, str]) -> ObjectFacts:
    try:
        return ObjectFacts(
            etag=headers["ETag"].strip('"'),
            last_modified=_moment(headers["Last-Modified"], parsedate_to_datetime),
            file_bytes=int(headers["Content-Length"]),
            content_type=headers.get("Content-Type", ""),
        )
    except (KeyError, ValueError) as error:
        raise UnavailableError("looking for a file: the response is not from an object store") from error


def _page_of(root: ET.Element) -> ListingPage:
    fields = _fields(root)
    decoded = unquote if fields.get("EncodingType") == "url" else str
    files, prefixes = [], []
    try:
        for child in root:
            if _name(child) == "Contents":
                item = _fields(child)
                moment = _moment(item["LastModified"], datetime.fromisoformat)
                files.append(StoredFile(decoded(item["Key"]), int(item["Size"]), moment))
            elif _name(child) == "CommonPrefixes":
                prefixes.append(decoded(_fields(child)["Prefix"]))
        is_truncated = fields["IsTruncated"] == "true"
    except (KeyError, ValueError) as error:
        raise ResponseParserError("the response is not a listing") from error
    return ListingPage(tuple(files), tuple(prefixes), is_truncated, fields.get("NextContinuationToken", ""))


def _moment(text: str, parse: Callable[[str], datetime]) -> datetime:
    try:
        moment = parse(text)
    except ValueError:
        # A store with a spelling of its own: botocore understands more of them, and takes 20 times as long.
        moment = parse_timestamp(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
