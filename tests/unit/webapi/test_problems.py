"""Answers that are not a success: their form, and the table behind them."""

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crds.videoupload import Phase
from tests.unit.webapi.conftest import A_VIDEO, Api
from webapi.errors import KINDS, Code

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


def test_every_code_has_a_kind() -> None:
    assert set(KINDS) == set(Code)


def test_the_documentation_lists_exactly_the_codes_there_are() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", DOCS.read_text(), re.MULTILINE))

    assert documented == {code.value: kind.status[:3] for code, kind in KINDS.items()}


def test_a_problem_has_the_members_of_rfc_9457_and_ours(api: Api) -> None:
    answer = api.call("GET", "/api/v1/videos/unknown", headers={"X-Request-Id": "trace-7"})

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json == {
        "type": "/problems/not_found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "there is no such video",
        "instance": "/api/v1/videos/unknown",
        "code": "not_found",
        "retryable": False,
        "what_to_do": "Check the path and the id.",
        "request_id": "trace-7",
    }


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/", 404, "not_found", id="root"),
        pytest.param("GET", "/api/v2/videos", 404, "not_found", id="another-version"),
        pytest.param("GET", "/api/v1/videos/x/y", 404, "not_found", id="below-a-video"),
        pytest.param("PUT", "/api/v1/videos", 405, "method_not_allowed", id="put-on-videos"),
        pytest.param("GET", "/webhooks/coconut", 405, "method_not_allowed", id="get-on-the-webhook"),
        pytest.param("FROB", "/livez", 400, "malformed_request", id="a-method-that-is-none"),
    ],
)
def test_falcons_own_errors_read_like_ours(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = api.call(method, path)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_method_that_is_not_allowed_names_those_that_are(api: Api) -> None:
    assert api.call("PUT", "/api/v1/videos").headers["Allow"] == "POST, OPTIONS"


def test_a_bug_is_logged_and_not_shown(api: Api) -> None:
    video_id = api.create()
    api.wishes.observe(video_id, phase=Phase.PROCESSING)

    class Broken:
        def video(self, *_: object) -> object:
            raise RuntimeError("secret inner workings")

    client = api.rebuilt(view=Broken())
    authorization = {"Authorization": api.bearer()}
    with capture_logs() as lines:
        answer = client.simulate_get(f"/api/v1/videos/{video_id}", headers=authorization)

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    surprise = next(line for line in lines if line["event"] == "unexpected error")
    assert isinstance(surprise["exc_info"], RuntimeError)
    assert surprise["request_id"] == answer.json["request_id"]


def test_a_request_id_that_could_break_a_log_is_replaced(api: Api) -> None:
    for given in ("a b", "x" * 65, "<script>", ""):
        answer = api.call("GET", "/api/v1/videos/unknown", headers={"X-Request-Id": given})
        assert re.fullmatch(r"[0-9a-f]{8}-\d+", answer.headers["X-Request-Id"])


def test_requests_are_logged_without_their_query_and_looks_only_for_debugging(api: Api) -> None:
    with capture_logs() as lines:
        api.client.simulate_post("/webhooks/coconut?video=v&attempt=1&sig=5ec1e7", json={"job_id": "j"})
        video_id = api.create()
        api.call("GET", f"/api/v1/videos/{video_id}")
        api.call("GET", "/api/v1/videos/unknown")

    shown = [(line["log_level"], line["method"], line["route"], line["status"]) for line in lines]
    assert shown == [
        ("info", "POST", "/webhooks/coconut", 401),
        ("info", "POST", "/api/v1/videos", 201),
        ("debug", "GET", "/api/v1/videos/{video_id}", 200),
        ("info", "GET", "/api/v1/videos/{video_id}", 404),
    ]
    assert "5ec1e7" not in str(lines)
    assert A_VIDEO["title"] not in str(lines)
