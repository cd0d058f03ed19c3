"""Pages of configured origins may call the API, and no others."""

import falcon.testing
import pytest

from tests.support.api import A_VIDEO, Api

ORIGIN = "https://app.example.com"
VIDEOS = "/api/v1/videos"


@pytest.fixture
def client(api: Api) -> falcon.testing.TestClient:
    """A client of an API that knows one origin."""
    return api.rebuilt(cors_origins=[ORIGIN, "http://localhost:5173"])


def _preflight(client: falcon.testing.TestClient, path: str, origin: str = ORIGIN) -> falcon.testing.Result:
    return client.simulate_options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})


def test_a_preflight_needs_no_token_and_may_be_cached(client: falcon.testing.TestClient) -> None:
    answer = _preflight(client, VIDEOS)

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_allowed_origin_can_read_an_answer_and_its_headers(api: Api, client: falcon.testing.TestClient) -> None:
    answer = client.simulate_post(VIDEOS, json=A_VIDEO, headers={"Authorization": api.bearer(), "Origin": ORIGIN})

    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    shown = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"Location", "RateLimit", "X-Request-Id", "ETag", "Retry-After"} <= shown
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_allowed_origin_can_read_a_problem(client: falcon.testing.TestClient) -> None:
    answer = client.simulate_get(VIDEOS, headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "https://sub.app.example.com",
        "https://app.example.com/",
        "https://appXexample.com",
        "null",
        "*",
        "",
        f"{ORIGIN}, {ORIGIN}",
    ],
)
def test_other_origins_get_no_cors_header(api: Api, client: falcon.testing.TestClient, origin: str) -> None:
    preflight = _preflight(client, VIDEOS, origin)
    answer = client.simulate_get(VIDEOS, headers={"Authorization": api.bearer(), "Origin": origin})

    assert preflight.status_code == 401
    for result in (preflight, answer):
        assert not [name for name in result.headers if name.lower().startswith("access-control-")]
        assert "Origin" in result.headers["Vary"]


def test_without_configured_origins_no_cors_header_is_sent(api: Api) -> None:
    answer = api.call("GET", VIDEOS, headers={"Origin": ORIGIN})

    assert answer.status_code == 200
    assert not {"vary", "access-control-allow-origin"} & {name.lower() for name in answer.headers}


def test_a_plain_options_request_is_not_a_preflight(client: falcon.testing.TestClient) -> None:
    assert client.simulate_options(VIDEOS, headers={"Origin": ORIGIN}).status_code == 401
