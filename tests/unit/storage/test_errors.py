"""What botocore raises, and what becomes of it."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from domain.errors import RefusedError, UnavailableError, UpstreamError
from storage.client import translate_errors

URL = "https://raw.example.com/uploads/v1/original.mp4?X-Amz-Signature=0123"


def answered(status: int, code: str, headers: dict[str, str] | None = None) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": URL},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers or {}},
    }
    return ClientError(response, "HeadObject")  # type: ignore[arg-type]  # what storage really sends


def trouble_of(error: Exception) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught, translate_errors("looking for the original"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(answered(500, "InternalError"), id="500"),
        pytest.param(answered(503, "SlowDown"), id="slow-down"),
        pytest.param(answered(429, "TooManyRequests"), id="429"),
        pytest.param(answered(400, "RequestTimeout"), id="slow-body"),
        pytest.param(answered(409, "OperationAborted"), id="collision"),
        pytest.param(answered(412, "PreconditionFailed"), id="changed-meanwhile"),
        pytest.param(EndpointConnectionError(endpoint_url=URL), id="no-connection"),
        pytest.param(ConnectTimeoutError(endpoint_url=URL), id="connect-timeout"),
        pytest.param(ReadTimeoutError(endpoint_url=URL), id="read-timeout"),
        pytest.param(IncompleteReadError(actual_bytes=1, expected_bytes=2), id="cut-off-body"),
        pytest.param(ResponseParserError("<html>"), id="not-s3"),
    ],
)
def test_what_passes_by_itself_is_asked_again_later(error: Exception) -> None:
    assert isinstance(trouble_of(error), UnavailableError)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(answered(403, "AccessDenied"), id="not-allowed"),
        pytest.param(answered(403, "SignatureDoesNotMatch"), id="wrong-secret"),
        pytest.param(answered(404, "NoSuchBucket"), id="no-bucket"),
        pytest.param(answered(400, "InvalidArgument"), id="bad-request"),
    ],
)
def test_what_somebody_must_change_is_refused(error: Exception) -> None:
    assert isinstance(trouble_of(error), RefusedError)


def test_the_message_says_what_was_done_to_whom_and_what_came_back() -> None:
    message = str(trouble_of(answered(403, "AccessDenied")))
    assert message == "looking for the original at the object store: HTTP 403 AccessDenied"


@pytest.mark.parametrize("error", [answered(500, "InternalError"), EndpointConnectionError(endpoint_url=URL)])
def test_no_key_and_no_signature_gets_into_a_message(error: Exception) -> None:
    message = str(trouble_of(error))
    assert "Signature" not in message
    assert "original.mp4" not in message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="stated"),
        pytest.param({}, None, id="not-stated"),
        pytest.param({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None, id="a-date"),
    ],
)
def test_storages_own_wish_when_to_ask_again_is_passed_on(headers: dict[str, str], seconds: float | None) -> None:
    trouble = trouble_of(answered(503, "SlowDown", headers))
    assert isinstance(trouble, UnavailableError)
    assert trouble.retry_after_seconds == seconds


def test_a_surprise_stays_a_surprise() -> None:
    with pytest.raises(KeyError), translate_errors("looking for the original"):
        raise KeyError("Key")
