"""The stand-in refuses over HTTP what Coconut refuses, in its shape and with its codes; what is refused is not entered.

All the ways in which a part can be wrong are rows of tests/unit/devstack/coconut/test_request.py.
"""

import base64
import secrets

import pytest
import requests

from devstack.coconut_server import CoconutAccess
from tests.integration.devstack.coconut.server import Client, Json
from tests.unit.devstack.coconut.jobs import a_job, a_storage

CODES = {
    "authentication_failed",
    "input_not_valid",
    "notification_not_valid",
    "output_param_not_valid",
    "storage_credentials_not_valid",
    "storage_service_not_valid",
}
REFUSED: list[tuple[str, Json, str]] = [
    ("input_not_valid", {"input": None}, "input must be a hash"),
    ("input_not_valid", {"input": {"url": "file:///etc/passwd"}}, "input has 'url', which is not an http URL"),
    ("storage_service_not_valid", {"storage": None}, "storage must be a hash"),
    (
        "storage_service_not_valid",
        {"storage": {"service": "floppy"}},
        "storage has service 'floppy', which is not valid",
    ),
    ("storage_credentials_not_valid", {"storage": a_storage(credentials=None)}, "credentials must be a hash"),
    (
        "storage_credentials_not_valid",
        {"storage": a_storage(credentials={"access_key_id": "a"})},
        "credentials needs 'secret_access_key', a string",
    ),
    ("notification_not_valid", {"notification": None}, "notification must be a hash"),
    ("notification_not_valid", {"notification": {"type": "http"}}, "notification needs 'url', a string"),
    (
        "output_param_not_valid",
        {"outputs": {"mp4": {"path": "/o.mp4", "video": {"codec": "h264"}}}},
        "output 'mp4' has 'video', which is not a valid parameter",
    ),
    (
        "output_param_not_valid",
        {"outputs": {"mp4": {"path": "/o.mp4", "if": "{{ input.width }} => 1"}}},
        "output 'mp4' is not valid: condition '{{ input.width }} => 1' is not valid at '>'",
    ),
]


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


@pytest.fixture
def client(coconut: CoconutAccess) -> Client:
    return Client(coconut.url, coconut.api_key)


def test_every_documented_code_is_in_a_table() -> None:
    assert {code for code, _, _ in REFUSED} | {"authentication_failed"} == CODES


@pytest.mark.parametrize(("code", "changes", "message"), REFUSED, ids=[code for code, _, _ in REFUSED])
def test_a_job_that_is_not_valid_is_refused_and_not_entered(
    client: Client, code: str, changes: Json, message: str
) -> None:
    video = f"v{secrets.token_hex(8)}"
    notification = {"type": "http", "url": f"http://127.0.0.1:1/?video={video}&attempt=1"}
    answer = client.post({**a_job(notification=notification), **changes})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json; charset=utf-8")
    assert answer.json() == {"message": message, "error_code": code, "status": "error"}
    assert client.ledger(video) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "cut-off", "not-utf-8", "deep"])
def test_a_body_that_is_not_json_is_refused(client: Client, body: bytes) -> None:
    answer = requests.post(f"{client.url}/jobs", data=body, auth=(client.api_key, ""), timeout=10)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "json_not_valid")


@pytest.mark.parametrize(("method", "path"), [("GET", "jobs/x"), ("POST", "jobs"), ("GET", "metadata/jobs/x")])
@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="nobody"),
        pytest.param("Bearer {key}", id="bearer"),
        pytest.param("Basic {key}", id="not-encoded"),
        pytest.param(basic("wrong:"), id="wrong-key"),
        pytest.param(basic(":"), id="empty"),
        pytest.param("with-password", id="with-a-password"),
        pytest.param("as-password", id="key-as-password"),
    ],
)
def test_who_is_not_known_is_refused(client: Client, method: str, path: str, authorization: str | None) -> None:
    known: dict[str | None, str] = {
        "with-password": basic(f"{client.api_key}:password"),
        "as-password": basic(f":{client.api_key}"),
    }
    given = known.get(authorization, authorization)
    headers = {} if given is None else {"Authorization": given.format(key=client.api_key)}
    answer = requests.request(method, f"{client.url}/{path}", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "HTTP Basic: Access denied.",
        "error_code": "authentication_failed",
        "status": "error",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "jobs/DQbYa9WvYQYiLN", id="no-such-job"),
        pytest.param("GET", "metadata/jobs/DQbYa9WvYQYiLN", id="no-such-metadata"),
        pytest.param("GET", "metadata/jobs/DQbYa9WvYQYiLN/input", id="no-such-key"),
        pytest.param("GET", "jobs", id="no-list"),
        pytest.param("DELETE", "jobs/DQbYa9WvYQYiLN", id="no-cancel"),
        pytest.param("PUT", "jobs/DQbYa9WvYQYiLN", id="no-change"),
        pytest.param("GET", "nothing", id="no-such-route"),
    ],
)
def test_what_there_is_not_is_404_with_an_empty_body(client: Client, method: str, path: str) -> None:
    answer = requests.request(method, f"{client.url}/{path}", auth=(client.api_key, ""), timeout=10)
    assert (answer.status_code, answer.content) == (404, b"")
