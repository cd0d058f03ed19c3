"""Calls that change something are limited for each owner; reading is not."""

import re

import pytest

from tests.support.api import Api, token
from webapi.http.call_limiter import CallLimiter
from webapi.http.change_limit import ChangeLimit
from webapi.http.problems import ProblemCode
from webapi.openapi.operations import OPERATIONS

# Calls that are decided before a row is read: Postgres is away in all of these tests.
VIDEO = "/api/v1/videos/NotAnId"


class Limited:
    """The API with a limit of three changing calls a minute, and a clock that tests move."""

    def __init__(self, api: Api) -> None:
        self.now = 1000.0
        limiter = CallLimiter(3, lambda: self.now)
        self._client = api.rebuilt(change_limit=ChangeLimit(limiter, count_refused=api.metrics.count_refused))

    def change(self, user: str = "ann", *, method: str = "DELETE", path: str = VIDEO, scope: str = "") -> int:
        self.last = self._client.simulate_request(
            method, path, headers={"Authorization": f"Bearer {token(sub=user, scope=scope)}"}
        )
        return self.last.status_code


@pytest.fixture
def limited(api: Api) -> Limited:
    return Limited(api)


# Every call of the description but those that only read, and those that Coconut makes.
CHANGING = [(one.method, one.path) for one in OPERATIONS if one.is_private and one.method != "GET"]


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_a_changing_call_beyond_the_limit_is_refused(limited: Limited, method: str, path: str) -> None:
    for _ in range(3):
        assert limited.change(scope="admin") != 429

    assert limited.change(method=method, path=re.sub(r"\{[a-z_]+\}", "NotAnId", path), scope="admin") == 429
    assert limited.last.json["code"] == ProblemCode.CHANGE_LIMIT_REACHED
    assert limited.last.headers["Retry-After"] == "20"
    assert limited.last.headers["RateLimit-Policy"] == '"changes";q=3;w=60'
    assert limited.last.headers["RateLimit"] == '"changes";r=0;t=20'


def test_refused_changes_are_counted(api: Api, limited: Limited) -> None:
    for _ in range(5):
        limited.change()
    assert api.metrics.registry.get_sample_value("video_uploads_requests_refused_total", {"limit": "changes"}) == 2


def test_administrators_have_the_same_limit(limited: Limited) -> None:
    path = "/api/v1/admin/webhooks/00000000-0000-0000-0000-000000000001"
    statuses = [limited.change(path=path, scope="admin") for _ in range(4)]
    assert statuses[3] == 429
    assert 429 not in statuses[:3]


def test_reading_is_not_limited(limited: Limited) -> None:
    for _ in range(4):
        limited.change()
    assert limited.change(method="GET") != 429


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_signed_download_counts_like_a_change(limited: Limited, method: str) -> None:
    for _ in range(3):
        limited.change(method=method, path=f"{VIDEO}/original")
    assert limited.change(method=method, path=f"{VIDEO}/original") == 429
    assert limited.change() == 429


def test_the_limit_of_one_owner_does_not_touch_another(limited: Limited) -> None:
    for _ in range(4):
        limited.change()
    assert limited.change("bob") != 429


def test_one_more_call_fits_after_the_time_that_the_response_names(limited: Limited) -> None:
    for _ in range(4):
        limited.change()
    limited.now += 19.9
    assert limited.change() == 429
    limited.now += 0.1
    assert limited.change() != 429
    assert limited.change() == 429


def test_refused_calls_do_not_prolong_the_wait(limited: Limited) -> None:
    for _ in range(100):
        limited.change()
    limited.now += 20
    assert limited.change() != 429


def test_a_long_pause_saves_up_no_more_than_a_minute(limited: Limited) -> None:
    limited.change()
    limited.now += 3600
    assert [limited.change() == 429 for _ in range(4)] == [False, False, False, True]


def test_callbacks_are_not_limited(limited: Limited) -> None:
    for _ in range(5):
        assert limited._client.simulate_post("/webhooks/coconut", json={"job_id": "j"}).status_code == 401
