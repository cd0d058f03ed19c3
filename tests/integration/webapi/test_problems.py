"""Error answers: their form, and the table of problems."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import falcon.testing
import pytest
from structlog.testing import capture_logs

from database.webhook_endpoints import ENDPOINTS_MAX
from domain.errors import RefusedError
from domain.video import COUNTER_MAX, Phase, new_video_id
from tests.support.api import A_VIDEO, MAX_FILE_BYTES, RETRANSCODES_PER_DAY, RETRIES_PER_DAY, Api, verify_file
from tests.support.hostile.problems import PAGE, assert_problem, documented
from tests.support.hostile.requests import RawResponse
from webapi.http.call_limiter import CallLimiter
from webapi.http.change_limit import ChangeLimit
from webapi.http.problems import PROBLEM_TYPES, ProblemCode
from webapi.http.request_limit import RequestLimit
from webapi.videos.stores import Stores

Result = falcon.testing.Result

VIDEOS = "/api/v1/videos"
WEBHOOKS = "/api/v1/admin/webhooks"
JSON = {"Content-Type": "application/json"}


def _past_the_limit(api: Api) -> Result:
    for _ in range(10):
        api.create()
    return api.call("POST", VIDEOS, json=A_VIDEO)


def _at_the_last_revision(api: Api) -> Result:
    video_id = _playable(api)
    api.set_columns(video_id, revision=COUNTER_MAX)
    return api.call("POST", f"{VIDEOS}/{video_id}/retranscode")


def _past_the_bytes(api: Api) -> Result:
    client = api.rebuilt(policy=replace(api.deps.policy, upload_bytes_per_day=1))
    body = {**A_VIDEO, "size_bytes": 2}
    return client.simulate_post(VIDEOS, json=body, headers={"Authorization": api.bearer()})


def _playable(api: Api) -> str:
    video_id = api.create()
    verify_file(api, video_id)
    return video_id


def _without_the_original(api: Api) -> Result:
    video_id = _playable(api)
    api.storage.raw.clear()
    return api.call("POST", f"{VIDEOS}/{video_id}/retranscode")


def _past_the_changes(api: Api) -> Result:
    client = api.rebuilt(change_limit=ChangeLimit(CallLimiter(1, lambda: 0.0)))
    *_, last = [client.simulate_delete(f"{VIDEOS}/x", headers={"Authorization": api.bearer()}) for _ in range(2)]
    return last


def _past_the_calls(api: Api) -> Result:
    client = api.rebuilt(request_limit=RequestLimit(CallLimiter(1, lambda: 0.0), None))
    *_, last = [client.simulate_get(f"{VIDEOS}/x", headers={"Authorization": api.bearer()}) for _ in range(2)]
    return last


def _past_the_retranscodes(api: Api) -> Result:
    *_, last = [api.call("POST", f"{VIDEOS}/{_playable(api)}/retranscode") for _ in range(RETRANSCODES_PER_DAY + 1)]
    return last


def _past_the_retries(api: Api) -> Result:
    video_id, calls = api.create(), []
    for retries in range(RETRIES_PER_DAY + 1):
        api.observe(video_id, phase=Phase.ERRORED, retries=retries)
        calls.append(api.call("POST", f"{VIDEOS}/{video_id}/retry"))
    return calls[-1]


def _refused_by_storage(api: Api) -> Result:
    video_id = api.create()
    api.storage.error = RefusedError("looking for the original: HTTP 403 AccessDenied")
    return api.call("POST", f"{VIDEOS}/{video_id}/upload_complete")


def _without_postgres(api: Api) -> Result:
    api.postgres.is_away = True
    return api.call("GET", f"{VIDEOS}/abcdefghijklmnopqrstuvwxy2")


def _past_the_grace_period(api: Api) -> Result:
    video_id = api.create()
    api.commands.delete(video_id)
    api.now += timedelta(days=8)
    return api.call("POST", f"{VIDEOS}/{video_id}/restore")


def _of_an_import(api: Api) -> Result:
    video_id = api.create()
    api.set_columns(video_id, origin="kubernetes")
    return api.call("DELETE", f"{VIDEOS}/{video_id}")


def _parted(api: Api) -> str:
    return api.create(upload_mode="multipart", size_bytes=9)


def _of_a_processed_video(api: Api) -> Result:
    video_id = api.create()
    api.observe(video_id, phase=Phase.PROCESSING)
    return api.call("POST", f"{VIDEOS}/{video_id}/upload_url")


def _with_a_key_of_a_running_request(api: Api) -> Result:
    with api.hold_key("k"):
        return api.call("POST", VIDEOS, json=A_VIDEO, headers={"Idempotency-Key": "k"})


def _with_the_key_of_another_body(api: Api) -> Result:
    api.call("POST", VIDEOS, json=A_VIDEO, headers={"Idempotency-Key": "k"})
    return api.call("POST", VIDEOS, json={**A_VIDEO, "title": "Dogs"}, headers={"Idempotency-Key": "k"})


def _past_all_endpoints(api: Api) -> Result:
    for _ in range(ENDPOINTS_MAX):
        api.webhook()
    return api.admin("POST", WEBHOOKS, json={"url": "https://hooks.example.com/"})


def _of_the_last_secret(api: Api) -> Result:
    made = api.webhook()
    return api.admin("DELETE", f"{WEBHOOKS}/{made['id']}/secrets/{made['secrets'][0]['secret_id']}")


def _captions(api: Api, video_id: str, body: str) -> Result:
    return api.call("PUT", f"{VIDEOS}/{video_id}/captions/en", body=body, headers={"Content-Type": "text/vtt"})


def _of_a_deleted_video(api: Api) -> Result:
    video_id = api.create()
    api.call("DELETE", f"{VIDEOS}/{video_id}")
    return _captions(api, video_id, "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n")


def _of_a_region_that_is_gone(api: Api) -> Result:
    video_id = api.create(region="fra1")
    store = api.stores.of(api.row(video_id))
    client = api.rebuilt(stores=Stores({"tor1": store, "ams3": store}))
    return client.simulate_post(f"{VIDEOS}/{video_id}/upload_url", headers={"Authorization": api.bearer()})


class Broken:
    """A view with a bug."""

    def video(self, *_: object) -> object:
        raise RuntimeError("secret inner workings")


def _with_a_bug(api: Api) -> Result:
    video_id = api.create()
    client = api.rebuilt(serializer=Broken())
    return client.simulate_get(f"{VIDEOS}/{video_id}", headers={"Authorization": api.bearer()})


# A way into each problem: a code that nothing leads to has no place in the list.
CHANNELS: dict[ProblemCode, Callable[[Api], Result]] = {
    ProblemCode.MALFORMED_REQUEST: lambda api: api.call("FROB", "/livez"),
    ProblemCode.INVALID_JSON: lambda api: api.call("POST", VIDEOS, body="{", headers=JSON),
    ProblemCode.INVALID_REQUEST: lambda api: api.call("POST", VIDEOS, json={**A_VIDEO, "title": ""}),
    ProblemCode.FILE_TOO_LARGE: lambda api: api.call(
        "POST", VIDEOS, json={**A_VIDEO, "size_bytes": MAX_FILE_BYTES + 1}
    ),
    ProblemCode.BODY_TOO_LARGE: lambda api: api.call("POST", VIDEOS, body=" " * 70_000, headers=JSON),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: lambda api: api.call("POST", VIDEOS, body="title=Cats"),
    ProblemCode.NOT_AUTHENTICATED: lambda api: api.client.simulate_get(f"{VIDEOS}/x"),
    ProblemCode.PLAYBACK_DENIED: lambda api: api.client.simulate_get(
        f"/api/v1/playback/{new_video_id()}/playlist.m3u8", query_string="token=x"
    ),
    ProblemCode.INVALID_TOKEN: lambda api: api.client.simulate_get(
        f"{VIDEOS}/x", headers={"Authorization": "Bearer x"}
    ),
    ProblemCode.INVALID_SIGNATURE: lambda api: api.client.simulate_post("/webhooks/coconut", json={"job_id": "j"}),
    ProblemCode.NOT_FOUND: lambda api: api.call("GET", f"{VIDEOS}/x"),
    ProblemCode.METHOD_NOT_ALLOWED: lambda api: api.call("PUT", VIDEOS),
    ProblemCode.SIZE_REQUIRED: lambda api: api.call("POST", VIDEOS, json={**A_VIDEO, "upload_mode": "multipart"}),
    ProblemCode.PARTS_MISSING: lambda api: api.call("POST", f"{VIDEOS}/{_parted(api)}/upload_complete"),
    ProblemCode.NOT_MULTIPART: lambda api: api.call("GET", f"{VIDEOS}/{api.create()}/parts"),
    ProblemCode.OBJECT_MISSING: lambda api: api.call("POST", f"{VIDEOS}/{api.create()}/upload_complete"),
    ProblemCode.INSUFFICIENT_SCOPE: lambda api: api.call("GET", "/api/v1/admin/videos"),
    ProblemCode.UPLOAD_CLOSED: _of_a_processed_video,
    ProblemCode.VIDEO_DELETED: _of_a_deleted_video,
    ProblemCode.INVALID_CAPTIONS: lambda api: _captions(api, api.create(), "no captions"),
    ProblemCode.INVALID_POSTER: lambda api: api.call(
        "PUT", f"{VIDEOS}/{api.create()}/poster", body="no picture", headers={"Content-Type": "image/jpeg"}
    ),
    ProblemCode.NOT_RETRYABLE: lambda api: api.call("POST", f"{VIDEOS}/{api.create()}/retry"),
    ProblemCode.NOT_RETRANSCODABLE: lambda api: api.call("POST", f"{VIDEOS}/{api.create()}/retranscode"),
    ProblemCode.CHANGES_EXHAUSTED: _at_the_last_revision,
    ProblemCode.ORIGINAL_UNAVAILABLE: _without_the_original,
    ProblemCode.RETRANSCODE_LIMIT_REACHED: _past_the_retranscodes,
    ProblemCode.RETRY_LIMIT_REACHED: _past_the_retries,
    ProblemCode.NOT_RESTORABLE: _past_the_grace_period,
    ProblemCode.MANAGED_BY_KUBERNETES: _of_an_import,
    ProblemCode.IDEMPOTENCY_KEY_IN_USE: _with_a_key_of_a_running_request,
    ProblemCode.IDEMPOTENCY_KEY_REUSED: _with_the_key_of_another_body,
    ProblemCode.TOO_MANY: _past_all_endpoints,
    ProblemCode.LAST_SECRET: _of_the_last_secret,
    ProblemCode.UPLOAD_LIMIT_REACHED: _past_the_limit,
    ProblemCode.BYTE_LIMIT_REACHED: _past_the_bytes,
    ProblemCode.CHANGE_LIMIT_REACHED: _past_the_changes,
    ProblemCode.REQUEST_LIMIT_REACHED: _past_the_calls,
    ProblemCode.TEMPORARILY_UNAVAILABLE: _without_postgres,
    ProblemCode.STORAGE_REFUSED: _refused_by_storage,
    ProblemCode.REGION_UNAVAILABLE: _of_a_region_that_is_gone,
    ProblemCode.INTERNAL_ERROR: _with_a_bug,
}
NAMING_FIELDS = {
    ProblemCode.INVALID_REQUEST: ["title"],
    ProblemCode.FILE_TOO_LARGE: ["size_bytes"],
    ProblemCode.SIZE_REQUIRED: ["size_bytes"],
}


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("code", ProblemCode)
def test_every_problem_occurs_and_matches_its_documentation(api: Api, code: ProblemCode) -> None:
    result = CHANNELS[code](api)
    headers = {name.lower(): value for name, value in result.headers.items()}

    assert_problem(RawResponse(result.status_code, headers, result.content), code, NAMING_FIELDS.get(code, []))


def test_the_documentation_lists_exactly_the_existing_problems() -> None:
    assert {code: (row.status, row.retryable) for code, row in documented().items()} == {
        code.value: (int(kind.status[:3]), kind.retryable) for code, kind in PROBLEM_TYPES.items()
    }
    assert set(PROBLEM_TYPES) == set(ProblemCode)


def test_the_documentation_gives_each_problem_its_own_status_wherever_it_names_it() -> None:
    named = re.findall(r"\*\*(\d{3})\*\*\s+`([a-z_]+)`", PAGE)

    assert ("409", "object_missing") in named
    assert [(status, code) for status, code in named if documented()[code].status != int(status)] == []


def test_a_problem_has_the_members_of_rfc_9457_and_our_extensions(api: Api) -> None:
    answer = api.call("GET", "/api/v1/videos/unknown", headers={"X-Request-Id": "trace-7"})

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json == {
        "type": "/problems/not_found",
        "title": "Not found",
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
def test_falcons_own_errors_are_problems_too(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = api.call(method, path)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_disallowed_method_is_refused_with_the_allowed_ones(api: Api) -> None:
    assert api.call("PUT", "/api/v1/videos").headers["Allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_bug_is_logged_and_not_shown(api: Api) -> None:
    with capture_logs() as lines:
        answer = _with_a_bug(api)

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    surprise = next(line for line in lines if line["event"] == "request_failed")
    assert isinstance(surprise["exc_info"], RuntimeError)
    assert surprise["request_id"] == answer.json["request_id"]


def test_a_request_id_that_could_break_a_log_is_replaced(api: Api) -> None:
    for given in ("a b", "x" * 65, "<script>", ""):
        answer = api.call("GET", "/api/v1/videos/unknown", headers={"X-Request-Id": given})
        assert re.fullmatch(r"[0-9a-f]{8}-\d+", answer.headers["X-Request-Id"])


def test_requests_are_logged_without_their_query_and_probes_only_at_debug_level(api: Api) -> None:
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
