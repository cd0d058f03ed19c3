"""The requests of every pass: the same as boto3's, and what is made of each response."""

import io
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError, ReadTimeoutError
from botocore.handlers import add_retry_headers
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from domain.errors import UnavailableError
from domain.objects import StoredFile
from storage.client import is_missing, make_own_client
from storage.signed_session import NO_RESPONSE, ListingPage, SignedSession
from tests.support.builders.storage import storage_settings
from tests.support.fakes.store import Answer, FakeStore, headers_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LISTING = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated></ListBucketResult>"""
FACTS = {"ETag": '"abc"', "Last-Modified": "Wed, 01 Jul 2026 12:00:00 GMT", "Content-Type": "video/mp4"}
KEYS = [
    "uploads/v1/original.mp4",
    "a b+c",
    "100%/%2F",
    "Kätzchen/猫.mp4",
    "a?b#c&d=e",
    "~._-!*'();:@$,[]",
    "/begins//with/../a/slash/",
    'quote"<>\\^`{|}',
]
STORES = [
    pytest.param({}, id="virtual"),
    pytest.param({"addressing_style": "path"}, id="path"),
    pytest.param({"endpoint": "http://127.0.0.1:7070", "addressing_style": "path"}, id="address"),
    pytest.param({"endpoint": "http://127.0.0.1:7070"}, id="address-virtual"),
    pytest.param({"endpoint": "https://host:9000/s3/store", "addressing_style": "path"}, id="path-in-endpoint"),
    pytest.param({"endpoint": "https://host/s3"}, id="path-in-endpoint-virtual"),
    pytest.param({"endpoint": "https://s3.us-east-1.amazonaws.com", "region": "us-east-1"}, id="aws"),
    pytest.param({"raw_bucket": "with.dots"}, id="bucket-with-dots"),
    pytest.param({"raw_bucket": "With_Capitals"}, id="no-name-of-a-host"),
]


@cache
def boto(**changes: str) -> "S3Client":
    """Return a client of boto3 that adds no id of the call, which would be signed too."""
    made = make_own_client(storage_settings(**changes))
    made.meta.events.unregister("request-created", add_retry_headers)
    return made


def session_of(client: "S3Client", *, max_attempts: int = 2) -> SignedSession:
    credentials = Credentials("main", "main-secret")
    return SignedSession(client, URLLib3Session(), credentials, nullcontext, max_attempts=max_attempts)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOON.replace(tzinfo=None))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return FakeStore(monkeypatch)


@pytest.fixture
def session() -> SignedSession:
    return session_of(boto())


def essence(request: AWSPreparedRequest) -> tuple[object, ...]:
    url, headers = urlsplit(request.url), headers_of(request)
    # boto3 waits for a "100 Continue" before any body, however short.
    headers = {name: value for name, value in headers.items() if name not in {"user-agent", "expect"}}
    body = request.body.read() if isinstance(request.body, io.BytesIO) else request.body
    query = sorted(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    return request.method, url.scheme, url.netloc, url.path, query, headers, body or b""


Call = tuple[Callable[[SignedSession, str, str], object], Callable[[Any, str, str], object], Answer]
CALLS: dict[str, Call] = {
    "head": (
        lambda session, bucket, key: session.head(bucket, key),
        lambda boto, bucket, key: boto.head_object(Bucket=bucket, Key=key),
        Answer(headers=FACTS),
    ),
    "read": (
        lambda session, bucket, key: session.read(bucket, key, at_most=9),
        lambda boto, bucket, key: boto.get_object(Bucket=bucket, Key=key),
        Answer(b"text"),
    ),
    "range": (
        lambda session, bucket, key: session.read_range(bucket, key, offset=4, length=4, etag="abc"),
        lambda boto, bucket, key: boto.get_object(Bucket=bucket, Key=key, Range="bytes=4-7", IfMatch='"abc"'),
        Answer(b"text", status=206),
    ),
    "put": (
        lambda session, bucket, key: session.put(
            bucket, key, b"text", {"Content-Type": "a/b", "Cache-Control": "max-age=10", "x-amz-acl": "public-read"}
        ),
        lambda boto, bucket, key: boto.put_object(
            Bucket=bucket, Key=key, Body=b"text", ContentType="a/b", CacheControl="max-age=10", ACL="public-read"
        ),
        Answer(),
    ),
    "put-nothing": (
        lambda session, bucket, key: session.put(bucket, key, b"", {}),
        lambda boto, bucket, key: boto.put_object(Bucket=bucket, Key=key, Body=b""),
        Answer(),
    ),
    "copy": (
        lambda session, bucket, key: session.copy(
            bucket, key, f"copy/{key}", {"x-amz-copy-source-if-match": '"abc"', "x-amz-metadata-directive": "REPLACE"}
        ),
        lambda boto, bucket, key: boto.copy_object(
            Bucket=bucket,
            Key=f"copy/{key}",
            CopySource={"Bucket": bucket, "Key": key},
            CopySourceIfMatch='"abc"',
            MetadataDirective="REPLACE",
        ),
        Answer(b"<CopyObjectResult/>"),
    ),
    "delete": (
        lambda session, bucket, key: session.delete(bucket, key),
        lambda boto, bucket, key: boto.delete_object(Bucket=bucket, Key=key),
        Answer(status=204),
    ),
    "list": (
        lambda session, bucket, key: session.page(bucket, key, delimiter="/", at_most=7, token=key),
        lambda boto, bucket, key: boto.list_objects_v2(
            Bucket=bucket, Prefix=key, Delimiter="/", MaxKeys=7, ContinuationToken=key
        ),
        Answer(LISTING),
    ),
}


@pytest.mark.parametrize("changes", STORES)
@pytest.mark.parametrize("call", CALLS)
def test_each_request_is_the_one_that_boto3_makes_signature_included(
    call: str, changes: dict[str, str], store: FakeStore
) -> None:
    ours, theirs, answer = CALLS[call]
    bucket = changes.get("raw_bucket", "raw")
    for key in KEYS:
        store.answers = [answer, answer]
        ours(session_of(boto(**changes)), bucket, key)
        theirs(boto(**changes), bucket, key)
        mine, expected = map(essence, store.requests[-2:])
        assert mine == expected


class TestResponses:
    """What is made of a response."""

    def test_the_facts_of_an_object(self, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(headers=FACTS | {"Content-Length": "5000000000"})]
        facts = session.head("raw", "k")
        assert (facts.etag, facts.last_modified, facts.content_type) == ("abc", NOON, "video/mp4")
        assert facts.file_bytes == 5_000_000_000

    @pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
    def test_a_response_without_them_is_not_from_a_store(
        self, name: str, session: SignedSession, store: FakeStore
    ) -> None:
        store.answers = [Answer(headers={key: value for key, value in FACTS.items() if key != name})]
        with pytest.raises(UnavailableError, match="not from an object store"):
            session.head("raw", "k")

    @pytest.mark.parametrize("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
    @pytest.mark.parametrize(
        ("encoding", "key"),
        [
            pytest.param("<EncodingType>url</EncodingType>", "a%20b%2Bc+%25%E7%8C%AB", id="encoded"),
            pytest.param("", "a b+c+%猫", id="as-they-are"),
        ],
    )
    def test_a_listing(self, encoding: str, key: str, namespace: str, session: SignedSession, store: FakeStore) -> None:
        store.answers = [
            Answer(
                f"<ListBucketResult{namespace}>{encoding}<IsTruncated>true</IsTruncated>"
                "<NextContinuationToken>%2B+</NextContinuationToken>"
                f"<Contents><Key>{key}</Key><LastModified>2026-07-01T12:00:00.000Z</LastModified><Size>7</Size>"
                f"</Contents><CommonPrefixes><Prefix>{key}/</Prefix></CommonPrefixes></ListBucketResult>".encode()
            )
        ]
        expected = (StoredFile("a b+c+%猫", 7, NOON),)
        assert session.page("raw", "a") == ListingPage(expected, ("a b+c+%猫/",), is_truncated=True, next_token="%2B+")

    @pytest.mark.parametrize("moment", ["2026-07-01T12:00:00Z", "2026-07-01 14:00:00 +0200", "1782907200"])
    def test_moments_as_stores_spell_them(self, moment: str, session: SignedSession, store: FakeStore) -> None:
        item = f"<Contents><Key>k</Key><LastModified>{moment}</LastModified><Size>7</Size></Contents>"
        store.answers = [Answer(LISTING.replace(b"<IsTruncated>", item.encode() + b"<IsTruncated>"))]
        assert [file.last_modified for file in session.page("raw", "").files] == [NOON]

    def test_all_pages_are_fetched(self, session: SignedSession, store: FakeStore) -> None:
        more = b"<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>"
        whole = b"<IsTruncated>false</IsTruncated>"
        store.answers = [*(Answer(LISTING.replace(whole, more % token)) for token in (b"1", b"2")), Answer(LISTING)]
        assert len(list(session.pages("raw", ""))) == 3
        assert ["continuation-token=2" in request.url for request in store.requests] == [False, False, True]

    @pytest.mark.parametrize("token", ["", "<NextContinuationToken>same</NextContinuationToken>"])
    def test_a_listing_that_does_not_go_on_is_not_taken_for_a_whole_one(
        self, token: str, session: SignedSession, store: FakeStore
    ) -> None:
        store.answers = [Answer(LISTING.replace(b"false</IsTruncated>", f"true</IsTruncated>{token}".encode()))] * 2
        with pytest.raises(ResponseParserError):
            list(session.pages("raw", ""))

    @pytest.mark.parametrize("body", [b"", b"<html>", b"<html/>", LISTING[:-1], b'<?xml version="1.0"'])
    def test_anything_else_is_no_listing(self, body: bytes, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(body)] * 2
        with pytest.raises(NO_RESPONSE):
            session.page("raw", "")

    def test_no_more_of_a_file_is_read_than_wanted(self, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(b"0123456789")]
        assert session.read("raw", "k", at_most=4) == b"0123"

    @pytest.mark.parametrize("call", ["read", "range", "list"])
    def test_a_body_that_was_cut_off_is_not_taken_for_a_short_one(
        self, call: str, session: SignedSession, store: FakeStore
    ) -> None:
        ours, _, answer = CALLS[call]
        store.answers = [Answer(answer.body, status=answer.status, cut_off=1)] * 2
        with pytest.raises(IncompleteReadError):
            ours(session, "raw", "k")


class TestErrors:
    """What a response that is no success raises, and what is sent again."""

    def failing(self, session: SignedSession, call: str = "copy") -> ClientError:
        with pytest.raises(ClientError) as caught:
            CALLS[call][0](session, "raw", "k")
        return caught.value

    def test_a_head_has_only_its_status(self, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(status=404, headers={"Content-Length": "200"})]
        assert is_missing(self.failing(session, "head"))

    @pytest.mark.parametrize("call", ["read", "range", "put", "copy", "delete", "list"])
    def test_the_code_is_in_the_body(self, call: str, session: SignedSession, store: FakeStore) -> None:
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>'
        store.answers = [Answer(body, status=403, headers={"Retry-After": "7"})]
        error = self.failing(session, call)
        assert error.response["Error"] == {"Code": "AccessDenied", "Message": "no"}
        metadata = error.response["ResponseMetadata"]
        assert (metadata["HTTPStatusCode"], metadata["HTTPHeaders"]["Retry-After"]) == (403, "7")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            pytest.param(b"", "403", id="none"),
            pytest.param(b"<html><body><br></html>", "403", id="a-page"),
            pytest.param(b"<html/>", "", id="xml-of-another"),
        ],
    )
    def test_an_error_that_is_not_from_a_store(
        self, body: bytes, code: str, session: SignedSession, store: FakeStore
    ) -> None:
        store.answers = [Answer(body, status=403)]
        assert self.failing(session).response["Error"]["Code"] == code

    @pytest.mark.parametrize("call", ["put", "copy", "delete", "list"])
    def test_an_error_with_the_status_of_a_success_is_a_failure(
        self, call: str, session: SignedSession, store: FakeStore
    ) -> None:
        store.answers = [Answer(b"<Error><Code>InternalError</Code></Error>")] * 2
        assert self.failing(session, call).response["ResponseMetadata"]["HTTPStatusCode"] == 500

    @pytest.mark.parametrize("call", ["put", "copy", "delete", "list"])
    def test_the_page_of_a_proxy_is_no_success(self, call: str, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(b"<html><body>Welcome<br></html>")] * 2
        with pytest.raises(ResponseParserError):
            CALLS[call][0](session, "raw", "k")

    def test_blanks_before_the_answer_are_ignored(self, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(b' \r\n \n<?xml version="1.0"?><CopyObjectResult/>')]
        session.copy("raw", "k", "copy", {})

    @pytest.mark.parametrize(
        "first",
        [
            pytest.param(Answer(status=500), id="500"),
            pytest.param(Answer(status=503), id="503"),
            pytest.param(Answer(status=429), id="429"),
            pytest.param(Answer(b"<Error><Code>SlowDown</Code></Error>", status=400), id="slow-down"),
            pytest.param(Answer(b"<Error><Code>RequestTimeout</Code></Error>", status=400), id="slow-body"),
            pytest.param(Answer(b"<Error><Code>InternalError</Code></Error>"), id="error-with-200"),
            pytest.param(ConnectionClosedError(endpoint_url="u"), id="closed-meanwhile"),
            pytest.param(ReadTimeoutError(endpoint_url="u"), id="too-late"),
        ],
    )
    def test_what_may_pass_is_sent_once_more_with_a_new_signature(
        self, first: Answer | Exception, session: SignedSession, store: FakeStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moments = (NOON.replace(tzinfo=None, minute=minute) for minute in range(60))
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: next(moments))
        store.answers = [first, Answer()]
        session.put("raw", "k", b"text", {})
        signed = [headers_of(request)["authorization"] for request in store.requests]
        assert [request.body for request in store.requests] == [b"text", b"text"]
        assert len(set(signed)) == 2

    @pytest.mark.parametrize("status", [301, 400, 403, 404, 409, 412, 416, 501])
    def test_other_refusals_are_sent_once(self, status: int, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(status=status)]
        assert self.failing(session).response["ResponseMetadata"]["HTTPStatusCode"] == status

    def test_it_is_sent_twice_at_most(self, session: SignedSession, store: FakeStore) -> None:
        store.answers = [Answer(status=503), Answer(status=500)]
        assert self.failing(session).response["ResponseMetadata"]["HTTPStatusCode"] == 500

    def test_nothing_is_sent_again_where_one_attempt_is_allowed(self, store: FakeStore) -> None:
        store.answers = [Answer(status=500)]
        self.failing(session_of(boto(), max_attempts=1))
