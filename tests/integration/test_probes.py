"""The operator's probes and metrics over HTTP."""

from collections.abc import Iterator

import pytest
import requests

from devstack.ports import HOST
from runtime.heartbeats import Heartbeats
from runtime.probes import ProcessHealth, serve


@pytest.fixture
def url() -> Iterator[str]:
    server = serve(ProcessHealth(Heartbeats()), lambda _accept: (b"a 1\n", "text/plain"), host=HOST, port=0)
    yield f"http://{HOST}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nowhere"])
def test_every_get_answers_head_with_the_same_headers_and_no_body(url: str, path: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        get, head = (session.request(method, url + path, timeout=5) for method in ("GET", "HEAD"))

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}
