"""How botocore's errors are translated."""

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


def client_error(status: int, code: str, headers: dict[str, str] | None = None) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": URL},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers or {}},
    }
    return ClientError(response, "HeadObject")  # type: ignore[arg-type]  # the shape of a real response


def translated(error: Exception) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught, translate_errors("looking for the original"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(client_error(500, "InternalError"), id="500"),
        pytest.param(client_error(503, "SlowDown"), id="slow-down"),
        pytest.param(client_error(429, "TooManyRequests"), id="429"),
        pytest.param(client_error(400, "RequestTimeout"), id="slow-body"),
        pytest.param(client_error(409, "OperationAborted"), id="collision"),
        pytest.param(client_error(412, "PreconditionFailed"), id="changed-meanwhile"),
        pytest.param(EndpointConnectionError(endpoint_url=URL), id="no-connection"),
        pytest.param(ConnectTimeoutError(endpoint_url=URL), id="connect-timeout"),
        pytest.param(ReadTimeoutError(endpoint_url=URL), id="read-timeout"),
        pytest.param(IncompleteReadError(actual_bytes=1, expected_bytes=2), id="cut-off-body"),
        pytest.param(ResponseParserError("<html>"), id="not-s3"),
    ],
)
def test_errors_that_may_pass_are_unavailable(error: Exception) -> None:
    assert isinstance(translated(error), UnavailableError)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(client_error(403, "AccessDenied"), id="not-allowed"),
        pytest.param(client_error(403, "SignatureDoesNotMatch"), id="wrong-secret"),
        pytest.param(client_error(404, "NoSuchBucket"), id="no-bucket"),
        pytest.param(client_error(400, "InvalidArgument"), id="bad-request"),
    ],
)
def test_errors_that_need_a_change_are_refused(error: Exception) -> None:
    assert isinstance(translated(error), RefusedError)


def test_the_message_has_the_action_and_the_response() -> None:
    message = str(translated(client_error(403, "AccessDenied")))
    assert message == "looking for the original at the object store: HTTP 403 AccessDenied"


@pytest.mark.parametrize("error", [client_error(500, "InternalError"), EndpointConnectionError(endpoint_url=URL)])
def test_a_message_has_no_key_and_no_signature(error: Exception) -> None:
    message = str(translated(error))
    assert "Signature" not in message
    assert "original.mp4" not in message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="stated"),
        pytest.param({}, None, id="not-stated"),
        pytest.param({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0, id="a-past-date"),
    ],
)
def test_the_error_carries_the_seconds_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    error = translated(client_error(503, "SlowDown", headers))
    assert isinstance(error, UnavailableError)
    assert error.retry_after_seconds == seconds


def test_an_unexpected_error_is_not_translated() -> None:
    with pytest.raises(KeyError), translate_errors("looking for the original"):
        raise KeyError("Key")
