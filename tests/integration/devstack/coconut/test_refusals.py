"""The stand-in refuses over HTTP in Coconut's form, and the ledger does not name a refused job.

Each way in which a job can be wrong is a row of tests/unit/devstack/coconut/test_wire_format.py.
"""

import base64
import secrets

import pytest
import requests

from tests.integration.devstack.coconut.server import StandInClient
from tests.support.builders.coconut_jobs import a_job, a_storage


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def test_a_job_that_is_not_valid_is_refused_and_not_accepted(client: StandInClient) -> None:
    video = f"v{secrets.token_hex(8)}"
    notification = {"type": "http", "url": f"http://127.0.0.1:1/?video={video}&attempt=1"}
    response = client.post(a_job(notification=notification, storage=a_storage(service="floppy")))
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/json; charset=utf-8")
    assert response.json() == {
        "message": "storage has service 'floppy', which is not valid",
        "error_code": "storage_service_not_valid",
        "status": "error",
    }
    assert client.ledger(video) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "cut-off", "not-utf-8", "deep"])
def test_a_body_that_is_not_json_is_refused(client: StandInClient, body: bytes) -> None:
    response = requests.post(f"{client.url}/jobs", data=body, auth=(client.api_key, ""), timeout=10)
    assert (response.status_code, response.json()["error_code"]) == (400, "json_not_valid")


@pytest.mark.parametrize(("method", "path"), [("GET", "jobs/x"), ("POST", "jobs"), ("GET", "metadata/jobs/x")])
@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="missing"),
        pytest.param("Bearer {key}", id="bearer"),
        pytest.param("Basic {key}", id="not-encoded"),
        pytest.param(basic("wrong:"), id="wrong-key"),
        pytest.param(basic(":"), id="empty"),
        pytest.param("with-password", id="with-a-password"),
        pytest.param("as-password", id="key-as-password"),
    ],
)
def test_a_request_without_the_api_key_is_refused(
    client: StandInClient, method: str, path: str, authorization: str | None
) -> None:
    known: dict[str | None, str] = {
        "with-password": basic(f"{client.api_key}:password"),
        "as-password": basic(f":{client.api_key}"),
    }
    given = known.get(authorization, authorization)
    headers = {} if given is None else {"Authorization": given.format(key=client.api_key)}
    response = requests.request(method, f"{client.url}/{path}", headers=headers, timeout=10)
    assert response.status_code == 401
    assert response.json() == {
        "message": "HTTP Basic: Access denied.",
        "error_code": "authentication_failed",
        "status": "error",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "jobs/DQbYa9WvYQYiLN", id="no-such-job"),
        pytest.param("GET", "metadata/jobs/DQbYa9WvYQYiLN", id="no-such-metadata"),
        pytest.param("GET", "jobs", id="no-list"),
        pytest.param("DELETE", "jobs/DQbYa9WvYQYiLN", id="no-cancel"),
        pytest.param("PUT", "jobs/DQbYa9WvYQYiLN", id="no-change"),
        pytest.param("GET", "nothing", id="no-such-route"),
    ],
)
def test_an_unknown_route_or_job_is_404_with_an_empty_body(client: StandInClient, method: str, path: str) -> None:
    response = requests.request(method, f"{client.url}/{path}", auth=(client.api_key, ""), timeout=10)
    assert (response.status_code, response.content) == (404, b"")
