"""What the start makes of each response to the bucket check."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from structlog.testing import capture_logs

from storage import startup_check
from storage.client import make_own_client
from storage.settings import StorageSettings
from storage.startup_check import check_buckets

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

URL = "https://raw.example.com/?list-type=2"
BOTH = "S3_RAW_BUCKET and S3_PROCESSED_BUCKET"


def settings(**changes: str) -> StorageSettings:
    defaults = {
        "endpoint": "https://tor1.digitaloceanspaces.com",
        "region": "tor1",
        "access_key": "main",
        "secret_key": "main-secret",
        "raw_bucket": "raw",
        "processed_bucket": "processed",
        "public_base_url": "https://cdn.example.com",
    }
    return StorageSettings.model_validate(defaults | changes)


def answered(status: int, code: str) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}
    return ClientError(response, "ListObjectsV2")


NO_BUCKET = answered(404, "NoSuchBucket")
REFUSED = answered(403, "AccessDenied")
AWAY = EndpointConnectionError(endpoint_url=URL)


class FakeBuckets:
    """Answers for each bucket with what a test says; otherwise that it is there."""

    def __init__(self, **errors: Exception) -> None:
        self.checked: list[str] = []
        self.is_closed = False
        self._errors = errors

    def list_objects_v2(self, *, Bucket: str, MaxKeys: int) -> None:  # noqa: N803 - as boto3 spells them
        assert MaxKeys == 1
        self.checked.append(Bucket)
        if Bucket in self._errors:
            raise self._errors[Bucket]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeBuckets]:
    def put(**errors: Exception) -> FakeBuckets:
        made = FakeBuckets(**errors)
        monkeypatch.setattr(startup_check, "make_own_client", lambda _: made)
        return made

    return put


def test_existing_buckets_log_nothing(store: Callable[..., FakeBuckets]) -> None:
    there = store()
    with capture_logs() as lines:
        check_buckets(settings(), process="the test")
    assert (there.checked, there.is_closed, lines) == (["raw", "processed"], True, [])


@pytest.mark.parametrize(
    ("errors", "what"),
    [
        pytest.param({"raw": NO_BUCKET}, "S3_RAW_BUCKET: there is no such bucket", id="raw"),
        pytest.param({"processed": NO_BUCKET}, "S3_PROCESSED_BUCKET: there is no such bucket", id="processed"),
        pytest.param(
            {"raw": NO_BUCKET, "processed": NO_BUCKET},
            "S3_RAW_BUCKET: there is no such bucket; S3_PROCESSED_BUCKET: there is no such bucket",
            id="both",
        ),
        pytest.param({"raw": NO_BUCKET, "processed": AWAY}, "S3_RAW_BUCKET: there is no such bucket", id="then-away"),
        pytest.param(
            {"raw": REFUSED, "processed": NO_BUCKET}, "S3_PROCESSED_BUCKET: there is no such bucket", id="one-refused"
        ),
    ],
)
def test_a_missing_bucket_ends_the_process_with_its_variable(
    store: Callable[..., FakeBuckets], errors: dict[str, Exception], what: str
) -> None:
    there = store(**errors)
    with pytest.raises(SystemExit) as stopped:
        check_buckets(settings(), process="the test")
    assert stopped.value.code == f"the test cannot start: {what}"
    assert there.is_closed


@pytest.fixture(scope="module")
def client() -> "S3Client":
    """A real client, which takes a while to make."""
    return make_own_client(settings())


def test_an_invalid_bucket_name_counts_as_a_missing_bucket(client: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup_check, "make_own_client", lambda _: client)
    with pytest.raises(SystemExit, match=f"^the test cannot start: {BOTH}: no bucket can have this name$"):
        check_buckets(settings(raw_bucket="a b", processed_bucket="a b"), process="the test")


def test_one_bucket_for_both_is_checked_once(store: Callable[..., FakeBuckets]) -> None:
    there = store(raw=NO_BUCKET)
    with pytest.raises(SystemExit, match=f"^the test cannot start: {BOTH}: there is no such bucket$"):
        check_buckets(settings(processed_bucket="raw"), process="the test")
    assert there.checked == ["raw"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(REFUSED, id="forbidden"),
        pytest.param(answered(403, "SignatureDoesNotMatch"), id="wrong-secret"),
        pytest.param(answered(301, "PermanentRedirect"), id="wrong-region"),
        pytest.param(answered(404, "404"), id="no-object-store-at-all"),
        pytest.param(answered(404, "NoSuchKey"), id="another-404"),
    ],
)
def test_a_refused_check_is_logged_as_an_error_and_the_start_goes_on(
    store: Callable[..., FakeBuckets], error: Exception
) -> None:
    there = store(raw=error)
    with capture_logs() as lines:
        check_buckets(settings(), process="the test")
    (line,) = lines
    assert (line["log_level"], line["event"], line["variable"]) == ("error", "bucket_refused", "S3_RAW_BUCKET")
    assert line["error"].startswith("listing the bucket at the object store: HTTP ")
    assert there.checked == ["raw", "processed"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(AWAY, id="no-connection"),
        pytest.param(ReadTimeoutError(endpoint_url=URL), id="no-answer"),
        pytest.param(answered(503, "SlowDown"), id="busy"),
    ],
)
def test_an_unanswered_check_is_logged_as_a_warning_and_delays_the_start_once(
    store: Callable[..., FakeBuckets], error: Exception
) -> None:
    there = store(raw=error, processed=NO_BUCKET)
    with capture_logs() as lines:
        check_buckets(settings(), process="the test")
    (line,) = lines
    assert (line["log_level"], line["event"], line["variable"]) == ("warning", "bucket_not_checked", "S3_RAW_BUCKET")
    assert there.checked == ["raw"]


def test_the_check_waits_less_than_a_request_may(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[tuple[float, float, int]] = []

    def made(patient: StorageSettings) -> FakeBuckets:
        waited.append((patient.connect_timeout_seconds, patient.read_timeout_seconds, patient.max_attempts))
        return FakeBuckets()

    monkeypatch.setattr(startup_check, "make_own_client", made)
    check_buckets(settings(), process="the test")
    check_buckets(settings(read_timeout_seconds="1"), process="the test")
    assert waited == [(3, 3, 1), (3, 1, 1)]


def test_the_check_uses_a_call_whose_errors_have_a_body(client: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup_check, "make_own_client", lambda _: client)
    with Stubber(client) as stub:
        stub.add_client_error("list_objects_v2", "NoSuchBucket", http_status_code=404)
        stub.add_response("list_objects_v2", {"KeyCount": 0}, {"Bucket": "processed", "MaxKeys": 1})
        with pytest.raises(SystemExit, match="S3_RAW_BUCKET: there is no such bucket"):
            check_buckets(settings(), process="the test")
        stub.assert_no_pending_responses()
