"""What is signed for storage has the time of storage."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runtime.clock import SharedClock
from storage.client import make_clients
from storage.presign import expiry, sign
from storage.signing_clock import learn, sign_by
from tests.support.builders.storage import storage_settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_time_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "get_current_datetime"
    monkeypatch.setattr(botocore.auth, name, getattr(botocore.auth, name))


def test_urls_and_requests_are_signed_by_the_given_clock() -> None:
    sign_by(lambda: NOON)
    signer = make_clients(storage_settings()).upload_signer
    url = sign(signer, "put_object", {"Bucket": "raw", "Key": "k"}, 900)
    assert expiry(url) == NOON + timedelta(minutes=15)

    request = AWSRequest("GET", "https://s3.example.com/raw/k")
    S3SigV4Auth(Credentials("key", "secret"), "s3", "fra1").add_auth(request)
    assert request.headers["X-Amz-Date"] == "20260301T120000Z"


def test_the_time_of_storage_is_that_of_its_responses() -> None:
    clock = SharedClock(lambda: NOON, elapsed=lambda: 7.0)
    began = clock.begin()
    assert began is not None
    learn(clock, {"Date": format_datetime(NOON - timedelta(minutes=10), usegmt=True)}, began=began)
    # The header has whole seconds.
    assert clock() == NOON - timedelta(minutes=10) + timedelta(seconds=0.5)


@pytest.mark.parametrize("headers", [{}, {"Date": "noon"}], ids=["none", "no-date"])
def test_a_response_without_a_date_teaches_nothing(headers: dict[str, str]) -> None:
    clock = SharedClock(lambda: NOON, elapsed=lambda: 7.0)
    learn(clock, headers, began=0.0)
    assert clock() == NOON
