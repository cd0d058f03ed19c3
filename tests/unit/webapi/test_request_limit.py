"""All calls are limited, for each user and, in front of that, for each address."""

import pytest
from falcon.testing import Result

from tests.support.api import Api
from webapi.http.call_limiter import CallLimiter
from webapi.http.problems import ProblemCode
from webapi.http.request_limit import RequestLimit

# Calls that are decided before a row is read: Postgres is away in all of these tests.
VIDEO = "/api/v1/videos/NotAnId"
ORIGIN = "https://app.example.com"


class Limited:
    """The API with a limit of three calls a minute for a user and five for an address, and a clock that tests move."""

    def __init__(self, api: Api, *, hops: int | None = None) -> None:
        self.now = 1000.0
        self._api = api
        limit = RequestLimit(
            CallLimiter(3, lambda: self.now),
            CallLimiter(5, lambda: self.now),
            hops=hops,
            count_refused=api.metrics.count_refused,
        )
        self.client = api.rebuilt(request_limit=limit, cors_origins=[ORIGIN])

    def call(self, user: str | None = "ann", *, path: str = VIDEO, address: str = "203.0.113.9") -> Result:
        headers = {"X-Forwarded-For": address, "Origin": ORIGIN}
        if user is not None:
            headers["Authorization"] = self._api.bearer(user)
        return self.client.simulate_get(path, headers=headers)

    def refused(self, limit: str) -> float | None:
        return self._api.metrics.registry.get_sample_value("video_uploads_requests_refused_total", {"limit": limit})


def test_a_user_is_refused_beyond_the_limit_with_a_problem_that_says_until_when(api: Api) -> None:
    limited = Limited(api)
    for _ in range(3):
        assert limited.call().status_code == 404
    refused = limited.call()

    assert (refused.status_code, refused.json["code"]) == (429, ProblemCode.REQUEST_LIMIT_REACHED)
    assert refused.json["retryable"] is True
    assert refused.headers["Retry-After"] == "20"
    assert "3 calls of one user in a minute" in refused.json["detail"]
    assert limited.call("bob").status_code == 404
    assert (limited.refused("user"), limited.refused("address")) == (1, 0)

    limited.now += int(refused.headers["Retry-After"])
    assert limited.call().status_code == 404


def test_every_answer_says_what_is_left(api: Api) -> None:
    limited = Limited(api, hops=1)
    answers = [limited.call() for _ in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"address";q=5;w=60, "user";q=3;w=60'}
    assert [answer.headers["RateLimit"] for answer in answers] == [
        '"address";r=4;t=12, "user";r=2;t=20',
        '"address";r=3;t=12, "user";r=1;t=20',
        '"address";r=2;t=12, "user";r=0;t=20',
        '"address";r=1;t=12, "user";r=0;t=20',
    ]


def test_an_address_is_refused_before_its_token_is_looked_at(api: Api) -> None:
    limited = Limited(api, hops=1)
    statuses = [limited.call(None).status_code for _ in range(6)]

    assert statuses == [401] * 5 + [429]
    assert limited.call("ann").json["code"] == ProblemCode.REQUEST_LIMIT_REACHED
    assert limited.call("ann", address="203.0.113.10").status_code == 404
    assert (limited.refused("user"), limited.refused("address")) == (0, 2)


def test_an_address_is_limited_on_paths_that_do_not_exist(api: Api) -> None:
    limited = Limited(api, hops=1)
    paths = ["/none", "/none/", "/docs", "/openapi.json", "/api/v1/videos", "/none"]
    assert [limited.call(None, path=path).status_code for path in paths] == [404, 404, 200, 200, 401, 429]


def test_a_page_of_another_origin_can_read_the_refusal(api: Api) -> None:
    limited = Limited(api, hops=1)
    *_, refused = [limited.call(None) for _ in range(6)]
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert {"RateLimit", "Retry-After"} <= set(refused.headers["Access-Control-Expose-Headers"].split(", "))


def test_preflights_are_not_limited(api: Api) -> None:
    limited = Limited(api, hops=1)
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "X-Forwarded-For": "203.0.113.9"}
    statuses = {limited.client.simulate_options("/api/v1/videos", headers=headers).status_code for _ in range(10)}
    assert statuses == {204}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_and_metrics_are_not_limited(api: Api, path: str) -> None:
    limited = Limited(api, hops=1)
    for _ in range(6):
        limited.call(None)
    assert limited.call(None, path=path).status_code != 429
    assert "RateLimit" not in limited.call(None, path=path).headers


def test_callbacks_are_not_limited(api: Api) -> None:
    limited = Limited(api, hops=1)
    headers = {"X-Forwarded-For": "203.0.113.9"}
    answers = [
        limited.client.simulate_post("/webhooks/coconut", json={"job_id": "j"}, headers=headers) for _ in range(10)
    ]
    assert {answer.status_code for answer in answers} == {401}


def test_without_a_word_about_proxies_addresses_are_not_limited(api: Api) -> None:
    limited = Limited(api)
    answers = [limited.call(None) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {401}
    assert "RateLimit" not in answers[0].headers


def test_where_clients_connect_directly_their_headers_change_nothing(api: Api) -> None:
    limited = Limited(api, hops=0)
    statuses = [limited.call(None, address=f"203.0.113.{number}").status_code for number in range(6)]
    assert statuses == [401] * 5 + [429]


def test_without_limits_no_header_is_sent(api: Api) -> None:
    assert "RateLimit" not in api.call("GET", VIDEO).headers
