"""How the API server's responses are translated. tests/integration/test_kube_client.py calls a real one."""

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError

from crds.client import Cluster, NotFoundError, UploadsClient
from domain.errors import ConflictError, RefusedError, UnavailableError, UpstreamError
from tests.support.builders.resources import SIGNATURES, a_resource
from tests.support.builders.rows import a_desired_state
from tests.support.fakes.kube_api import FakeApi, cluster


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedError),
        (401, RefusedError),
        (403, RefusedError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, ConflictError),
        (422, RefusedError),
        (429, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_each_error_status_raises_the_error_that_says_what_to_do_next(status: int, error: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as raised:
        cluster(FakeApi(status, b'{"message": "because"}')).request("GET", "/p")
    assert type(raised.value) is error
    assert str(raised.value) == f"GET /p at Kubernetes: HTTP {status}: because"


@pytest.mark.parametrize(
    "error",
    [
        MaxRetryError(None, "/p"),  # type: ignore[arg-type]
        ProtocolError("reset"),
        ReadTimeoutError(None, "/p", "slow"),  # type: ignore[arg-type]
        ApiException(status=0, reason="SSLError"),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_call_without_response_is_unavailable_and_is_not_repeated(error: Exception) -> None:
    api = FakeApi()
    api.error = error
    with pytest.raises(UnavailableError, match="GET /p at Kubernetes: no answer"):
        cluster(api).request("GET", "/p")
    assert api.calls == 1


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("²", None), ("soon", None), ("", None)])
def test_the_error_carries_the_seconds_of_retry_after(header: str, seconds: float | None) -> None:
    with pytest.raises(UnavailableError) as raised:
        cluster(FakeApi(429, Retry_After=header)).request("GET", "/p")
    assert raised.value.retry_after_seconds == seconds


@pytest.mark.parametrize("content", [b"<html>bad gateway</html>", b"", b"[]", b'{"kind": "Status"}', b"\xff"])
def test_an_error_without_a_status_body_has_no_message(content: bytes) -> None:
    with pytest.raises(UnavailableError, match="HTTP 502: no message"):
        cluster(FakeApi(502, content)).request("GET", "/p")


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"", b"\xff", b"[]"])
def test_a_success_that_is_no_json_object_is_unavailable(content: bytes) -> None:
    with pytest.raises(UnavailableError, match="not from Kubernetes"):
        cluster(FakeApi(200, content)).request("GET", "/p")


def test_get_returns_none_for_a_missing_resource() -> None:
    assert UploadsClient(cluster(FakeApi(404)), SIGNATURES).get("a") is None


def test_deleting_a_missing_resource_succeeds() -> None:
    UploadsClient(cluster(FakeApi(404)), SIGNATURES).delete("a", uid="u", resource_version="1")


def test_writing_the_status_of_a_missing_resource_is_a_conflict() -> None:
    with pytest.raises(ConflictError, match="deleted meanwhile"):
        UploadsClient(cluster(FakeApi(404)), SIGNATURES).write_status(a_resource(a_desired_state()), {})


def test_each_call_is_noted_with_its_method_status_and_duration() -> None:
    counted: list[tuple[str, int | None]] = []
    lasted: list[float] = []

    def note(method: str, status: int | None, seconds: float) -> None:
        counted.append((method, status))
        lasted.append(seconds)

    api = FakeApi(404)
    watched = Cluster(api, namespace="n", on_call=note)  # type: ignore[arg-type]
    for error in (None, OSError("cut off")):
        api.error = error
        with pytest.raises(UpstreamError):
            watched.request("GET", "/x")
    assert counted == [("GET", 404), ("GET", None)]
    assert all(0 < seconds < 60 for seconds in lasted)
