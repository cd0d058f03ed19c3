"""The check of the buckets at start, against a real S3 server."""

import pytest
from structlog.testing import capture_logs

from devstack.s3 import S3Access
from storage.startup_check import check_buckets
from tests.integration.storage.reach import settings_for


def test_existing_buckets_pass_without_a_log_line(s3: S3Access) -> None:
    with capture_logs() as lines:
        check_buckets(settings_for(s3), process="the test")
    assert lines == []


@pytest.mark.parametrize("field", ["raw_bucket", "processed_bucket"])
def test_a_missing_bucket_ends_the_process_and_names_its_variable(s3: S3Access, field: str) -> None:
    with pytest.raises(SystemExit, match=f"^the test cannot start: S3_{field.upper()}: there is no such bucket$"):
        check_buckets(settings_for(s3, **{field: "no-such-bucket"}), process="the test")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"secret_key": "wrong"}, id="wrong-secret"),
        pytest.param({"access_key": "nobody"}, id="unknown-key"),
    ],
)
def test_a_refused_check_does_not_stop_the_start(s3: S3Access, changes: dict[str, str]) -> None:
    with capture_logs() as lines:
        check_buckets(settings_for(s3, **changes), process="the test")
    assert [(line["log_level"], line["event"]) for line in lines] == [("error", "bucket_refused")]


def test_a_key_without_the_right_to_list_is_logged(s3: S3Access) -> None:
    limited = {"access_key": s3.raw_reader_access_key, "secret_key": s3.raw_reader_secret_key}
    with capture_logs() as lines:
        check_buckets(settings_for(s3, **limited), process="the test")
    (line,) = lines
    assert (line["event"], line["variable"]) == ("bucket_refused", "S3_RAW_BUCKET and S3_PROCESSED_BUCKET")


def test_an_unavailable_server_does_not_stop_the_start(s3: S3Access) -> None:
    with capture_logs() as lines:
        check_buckets(settings_for(s3, endpoint="http://127.0.0.1:1"), process="the test")
    assert [(line["log_level"], line["event"]) for line in lines] == [("warning", "bucket_not_checked")]
