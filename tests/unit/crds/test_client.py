"""What the API server's refusals mean to us. That it is asked rightly is tried on a real one."""

from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError

from crds.client import Cluster, NotFoundError, UploadsClient
from domain.errors import ConflictError, RefusedError, UnavailableError, UpstreamError


class FakeApi:
    """Stands for the library's connection: answers every call alike, or raises."""

    def __init__(self, status: int = 200, content: bytes = b"{}", **headers: str) -> None:
        self.status = status
        self.content = content
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.error: Exception | None = None
        self.calls = 0

    def param_serialize(self, *_: Any, **__: Any) -> tuple[()]:
        return ()

    def call_api(self, **_: Any) -> "FakeApi":
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self

    def read(self) -> bytes:
        return self.content


def cluster(api: FakeApi) -> Cluster:
    return Cluster(api, namespace="n")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "trouble"),
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
def test_an_answer_is_named_by_what_to_do_next(status: int, trouble: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as raised:
        cluster(FakeApi(status, b'{"message": "because"}')).request("GET", "/p")
    assert type(raised.value) is trouble
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
def test_no_answer_means_ask_again_later_and_is_not_repeated_here(error: Exception) -> None:
    api = FakeApi()
    api.error = error
    with pytest.raises(UnavailableError, match="GET /p at Kubernetes: no answer"):
        cluster(api).request("GET", "/p")
    assert api.calls == 1


@pytest.mark.parametrize(("stated", "seconds"), [("7", 7.0), ("soon", None), ("", None)])
def test_the_servers_own_wish_for_a_pause_is_passed_on(stated: str, seconds: float | None) -> None:
    with pytest.raises(UnavailableError) as raised:
        cluster(FakeApi(429, Retry_After=stated)).request("GET", "/p")
    assert raised.value.retry_after_seconds == seconds


@pytest.mark.parametrize("content", [b"<html>bad gateway</html>", b"", b"[]", b'{"kind": "Status"}', b"\xff"])
def test_a_proxy_may_answer_anything(content: bytes) -> None:
    with pytest.raises(UnavailableError, match="HTTP 502: no message"):
        cluster(FakeApi(502, content)).request("GET", "/p")


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"", b"\xff", b"[]"])
def test_a_success_that_is_not_the_api_servers_is_no_answer(content: bytes) -> None:
    with pytest.raises(UnavailableError, match="not an answer of Kubernetes"):
        cluster(FakeApi(200, content)).request("GET", "/p")


def test_a_resource_that_is_not_there_is_none() -> None:
    assert UploadsClient(cluster(FakeApi(404))).get("a") is None


def test_deleting_what_is_gone_is_done() -> None:
    UploadsClient(cluster(FakeApi(404))).delete("a", uid="u", resource_version="1")


def test_the_status_of_what_is_gone_is_a_conflict() -> None:
    with pytest.raises(ConflictError, match="deleted meanwhile"):
        UploadsClient(cluster(FakeApi(404))).write_status("a", resource_version="1", status={})


def test_each_call_is_counted_by_its_method_and_answer() -> None:
    counted: list[tuple[str, int | None]] = []
    api = FakeApi(404)
    watched = Cluster(api, namespace="n", note=lambda *call: counted.append(call))  # type: ignore[arg-type]
    for error in (None, OSError("cut off")):
        api.error = error
        with pytest.raises(UpstreamError):
            watched.request("GET", "/x")
    assert counted == [("GET", 404), ("GET", None)]
